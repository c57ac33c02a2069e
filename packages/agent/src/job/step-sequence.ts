import {
  executedJob,
  type GateInputFact,
  type JobRun,
  type JobStepFile,
  type JobStepRow,
  judgeStep,
  manifestRows,
  noteThresholds,
  overLimit,
  type StepFacts,
  skipStep,
} from '@govctl/core/job';
import { durationMs } from '@govctl/core/policy';
import { BeforeAttempt } from './before-attempt.ts';
import { HoldLost } from './commit.ts';
import { prepareFolder } from './folder.ts';
import { FolderFault } from './folder-fault.ts';
import type { HeldRun } from './held-run.ts';
import { detectInputs } from './input.ts';
import { stopAsked } from './interruption.ts';
import type { PinnedInputs } from './pinned.ts';
import { storeProduct } from './product.ts';
import type { StoredJob } from './queries.ts';
import { AttemptRecorder, type LiveAttempt } from './recorded-attempt.ts';

/** The steps of a job, one after another, each as often as it may be tried. */
export class StepSequence {
  readonly #held: HeldRun;
  readonly #before: BeforeAttempt;
  readonly #recorder: AttemptRecorder;
  #pinned: PinnedInputs | undefined;
  #inputs: readonly GateInputFact[] | undefined;

  constructor(held: HeldRun) {
    this.#held = held;
    this.#before = new BeforeAttempt(held);
    this.#recorder = new AttemptRecorder(held);
  }

  get live(): LiveAttempt | null {
    return this.#recorder.live;
  }

  /** Ends what a former process left of its attempts. */
  async endLost(stored: StoredJob): Promise<void> {
    await this.#recorder.endLost(stored);
  }

  /** @returns the run when every step has ended and what they made is stored; null when it ended otherwise, or waits */
  async execute(): Promise<JobRun | null> {
    const held = this.#held;
    const stored = await held.read();
    await this.#recorder.endLost(stored);
    await this.#pinInputs(stored.run);
    for (const [index, step] of stored.run.file.steps.entries()) if (!(await this.#toItsEnd(index, step))) return null;
    const { run, steps } = await held.read();
    if (run.row.status === 'paused') return null;
    if (run.job.stop_asked_at !== null) {
      await held.stop({ run, steps });
      return null;
    }
    const harm = (await this.#pinned?.harmInBytes()) ?? null;
    if (harm !== null) throw new FolderFault(harm);
    const product = await storeProduct(held.deps, run, steps, held.folder);
    return await held.commit(executedJob(run, held.hold, product, await held.context(run)));
  }

  /** One step, until it succeeded or was skipped. @returns whether the job goes on */
  async #toItsEnd(index: number, step: JobStepFile): Promise<boolean> {
    const held = this.#held;
    for (;;) {
      let stored = await held.read();
      const tried = stored.steps.filter(({ step_index }) => step_index === index);
      if (tried.some(({ status }) => status === 'success' || status === 'skipped')) return true;
      const again = tried.length > 0 && tried.length <= step.retries;
      if (again && stored.run.job.stop_asked_at === null) {
        await held.deps.wait(durationMs(step.backoff) * 2 ** (tried.length - 1), held.signal);
        stored = await held.read();
      }
      if (!(await this.#before.allows(stored, step, tried))) return false;
      if (tried.length === 0 && (await this.#isSkipped(stored, index, step))) return true;
      if (await this.#try(stored, index, step, tried)) await this.#pinInputs(stored.run);
      if (held.signal.aborted && held.signal.reason !== stopAsked) throw new HoldLost(String(held.signal.reason));
      if (!(await this.#isWithinBudget())) return false;
    }
  }

  /** @returns whether the pinned inputs were harmed: a retry begins with what is pinned */
  async #try(stored: StoredJob, index: number, step: JobStepFile, tried: readonly JobStepRow[]): Promise<boolean> {
    const harm = await this.#recorder.run(stored, { index, step, attempt: tried.length + 1 }, async () => {
      return (await this.#pinned?.harm()) ?? null;
    });
    return harm !== null && !this.#held.signal.aborted;
  }

  async #pinInputs({ file }: JobRun): Promise<void> {
    const { folder, deps, signal } = this.#held;
    this.#pinned = await prepareFolder(folder, file, deps.objects, signal);
  }

  /** A step whose demands are not met is not run, and that is on record with what to do. */
  async #isSkipped({ run, steps }: StoredJob, step_index: number, step: JobStepFile): Promise<boolean> {
    const gate = judgeStep(step.requires, await this.#stepFacts(run, steps));
    if (gate.met) return false;
    const { hold, deps } = this.#held;
    const begun = { step_index, attempt: 1, name: step.name, host: deps.host, process: deps.process };
    const { reason, takeaway, next_action } = gate;
    await this.#held.commit(skipStep(run, hold, begun, { reason, takeaway, next_action }, await this.#held.context(run)));
    return true;
  }

  /** What a step gate may know: inputs as they are found in the data, signals, and what became of the steps before. */
  async #stepFacts({ file }: JobRun, steps: readonly JobStepRow[]): Promise<StepFacts> {
    this.#inputs ??= await detectInputs(this.#held.folder, file);
    const rows = manifestRows(steps);
    return {
      inputs: this.#inputs,
      signals: rows.flatMap(({ step, signals = [] }) => signals.map((signal) => ({ step, ...signal }))),
      steps: rows.map(({ step, status, exit_code }) => ({ step, status, exit_code })),
      label_asof: file.label_asof,
    };
  }

  /** After each attempt, whenever the last look was: thresholds are told, and a limit that is exceeded ends the run. */
  async #isWithinBudget(): Promise<boolean> {
    const held = this.#held;
    const { run, steps } = await held.read();
    if (run.job.stop_asked_at !== null) return true;
    const noted = noteThresholds(run, held.hold, steps, await held.context(run));
    const now = noted === null ? run : await held.commit(noted);
    const over = overLimit(now, steps, null);
    if (over !== null) await held.fail({ run: now, steps }, over, 'budget-exceeded');
    return over === null;
  }
}
