import { digestOf } from '@govctl/core/evidence';
import { type Beginning, beginStep, endStep, type JobRun, type JobStepFile, lostOutcome, usedBy } from '@govctl/core/job';
import { durationMs } from '@govctl/core/policy';
import { oneChunk } from '../object/index.ts';
import { cookieOf, outcomeOf, workFolder } from './attempt.ts';
import { HoldLost } from './commit.ts';
import { diskWatch, stepVariables } from './folder.ts';
import type { HeldRun } from './held-run.ts';
import { lockLost, lockTaken } from './interruption.ts';
import { OutputCapture } from './output.ts';
import { patiently } from './patience.ts';
import type { Attempt } from './process.ts';
import type { StoredJob } from './queries.ts';
import { signalDigests } from './signal.ts';

/** The attempt that runs, and what it printed so far. */
export type LiveAttempt = { readonly step: string; readonly attempt: number; readonly capture: OutputCapture };

/** Which attempt of which step. */
type Turn = { readonly index: number; readonly step: JobStepFile; readonly attempt: number };

/** How long the end of an attempt is tried to be written although somebody waits for us to stop: what ended is on record. */
const lastWordMs = 5_000;

/** Runs attempts so that none is forgotten: each is on record before its process starts, and again when it has ended. */
export class AttemptRecorder {
  readonly #held: HeldRun;
  live: LiveAttempt | null = null;

  constructor(held: HeldRun) {
    this.#held = held;
  }

  /**
   * @param look what an attempt did to the pinned inputs, asked when it has ended: null for nothing
   * @returns the same
   * @throws HoldLost when the lock went to somebody else meanwhile: nothing more is written
   */
  async run({ run, steps }: StoredJob, turn: Turn, look: () => Promise<string | null>): Promise<string | null> {
    const held = this.#held;
    const { deps, folder, signal } = held;
    const { step, attempt } = turn;
    // Whatever can be refused is refused before an attempt is on record.
    const cwd = await workFolder(folder, step.cwd);
    const known = await signalDigests(folder);
    const begun = { step_index: turn.index, attempt, name: step.name, host: deps.host, process: deps.process };
    const current = await held.commit(beginStep(run, held.hold, begun, await held.context(run)));
    const leftMs = (run.file.limits.seconds - usedBy(steps).seconds) * 1000;
    const capture = new OutputCapture(deps.config.output_bytes);
    this.live = { step: step.name, attempt, capture };
    const ended = await deps.processes.run(this.#process(run, step, begun, { cwd, leftMs, capture })).finally(() => {
      this.live = null;
    });
    if (signal.aborted && signal.reason === lockLost) throw new HoldLost(lockLost);
    const harm = await look();
    const [outcome, output] = await outcomeOf(ended, step, folder, known, harm);
    await patiently(() => deps.objects.put(digestOf(output), oneChunk(output)), deps);
    const patience = signal.aborted ? AbortSignal.timeout(lastWordMs) : signal;
    await held.commit(endStep(current, held.hold, begun, outcome, await held.context(current)), patience);
    return harm;
  }

  /** An attempt that a former process began, or this one under a lock it lost, is never taken for done: what is left of it is ended, and it failed. */
  async endLost({ run, steps }: StoredJob): Promise<void> {
    const { deps, hold } = this.#held;
    for (const row of steps.filter(({ status }) => status === 'running')) {
      const here = row.host === deps.host;
      const ended = here ? await deps.processes.endWithCookie((cookie) => cookie === cookieOf(row)) : 0;
      const why = row.process === deps.process ? lockTaken : 'govd was gone while it ran';
      const reason = here
        ? `${why}${ended > 0 ? `; ${ended} processes of it were still there and were ended` : ''}`
        : 'the host it ran on was gone; what is left of it there could not be ended from here';
      await this.#held.commit(endStep(run, hold, row, lostOutcome(run, row, reason), await this.#held.context(run)));
    }
  }

  #process(
    run: JobRun,
    step: JobStepFile,
    begun: Beginning,
    { cwd, leftMs, capture }: { readonly cwd: string; readonly leftMs: number; readonly capture: OutputCapture },
  ): Attempt {
    const { deps, run_id, folder, signal } = this.#held;
    const { config, env } = deps;
    const passed = config.env.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
    return {
      command: step.command,
      cwd,
      env: { ...Object.fromEntries(passed), ...stepVariables(folder, run.file, run_id), ...step.env },
      cookie: cookieOf({ run_id, ...begun }),
      timeoutMs: Math.max(1, Math.min(durationMs(step.timeout), leftMs)),
      graceMs: durationMs(config.kill_grace),
      capture,
      signal,
      watch: diskWatch(folder, { bytes: config.disk_bytes, free_bytes: config.min_free_bytes }),
      spawned: (pid, pid_start) => this.#noteProcess(begun, pid, pid_start),
    };
  }

  /** For whoever looks, so nobody waits for it: what is left behind is found by its cookie. */
  #noteProcess({ step_index, attempt }: Beginning, pid: number, pid_start: string | null): void {
    const values = { run_id: this.#held.run_id, step_index, attempt, pid, pid_start };
    const unit = { label: 'job-step.spawned', changes: [{ write: 'job-step.spawned' as const, values }], records: [], events: [] };
    this.#held.deps.journal.commit(unit).catch(() => {});
  }
}
