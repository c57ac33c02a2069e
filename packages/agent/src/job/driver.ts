import { setTimeout as sleep } from 'node:timers/promises';
import { kernelVersion } from '@govctl/core/decision';
import { digestOf } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import {
  beginStep,
  completeJob,
  decideJob,
  deferJob,
  denyJob,
  type Ending,
  endStep,
  executedJob,
  factOfJob,
  type GateInputFact,
  type JobContext,
  type JobFacts,
  type JobRun,
  type JobStepFile,
  type JobStepRow,
  jobTimedOut,
  judgeStep,
  manifestRows,
  midRunFacts,
  noteThresholds,
  type OutputSnapshot,
  overLimit,
  pauseForViolation,
  type RunHold,
  requeueJob,
  runManifest,
  type StepFacts,
  skipStep,
  startJob,
  usedBy,
} from '@govctl/core/job';
import { durationMs } from '@govctl/core/policy';
import { type MidRunChecker, midRunChecker } from '@govctl/core/run';
import { cookieOf, failedOutcome, outcomeOf, workFolder } from './attempt.ts';
import { commitStep, HoldLost } from './commit.ts';
import { jobContext, plannedEnd } from './context.ts';
import {
  diskWatch,
  FolderFault,
  folderExists,
  oneChunk,
  prepareFolder,
  type RunFolder,
  readSignals,
  removeFolder,
  runFolder,
  stepVariables,
  storeOutput,
} from './folder.ts';
import { detectInputs } from './input.ts';
import { standsNow, suspensionOf } from './mid-run.ts';
import { OutputCapture } from './output.ts';
import { patiently } from './patience.ts';
import type { PinnedInputs } from './pinned.ts';
import { endWithCookie } from './proc.ts';
import { runAttempt } from './process.ts';
import { readPolicySet, readStoredJob, type StoredJob } from './queries.ts';
import { registrationOf } from './registration.ts';
import type { WorkerDependencies } from './worker-port.ts';

/** What a driver tells about the job it drives, while it does. */
export type Driving = {
  readonly run_id: string;
  readonly hold: RunHold;
  /** What the running attempt printed so far. */
  readonly live: { step: string; attempt: number; capture: OutputCapture } | null;
};

/** Why a job is interrupted from outside. */
export const stopAsked = 'it was stopped';
export const pauseOver = 'the time of its pause ran out';
export const daemonStops = 'govd stopped while it ran';
export const lockLost = 'the workspace lock went to somebody else';

const deferLimits = { again_ms: 60_000, max_ms: 24 * 3600 * 1000 };

/**
 * Drives one job from where it is to its end, under its lock. Everything it does is a unit that renews the lock first: who lost it commits
 * nothing more.
 */
export class JobDriver {
  readonly #deps: WorkerDependencies;
  readonly #signal: AbortSignal;
  readonly hold: RunHold;
  readonly run_id: string;
  live: Driving['live'] = null;
  #inputs: readonly GateInputFact[] | undefined;
  #pinned: PinnedInputs | undefined;
  readonly #checker: MidRunChecker;
  #resumes = 0;

  constructor(deps: WorkerDependencies, run_id: string, hold: RunHold, signal: AbortSignal) {
    this.#deps = deps;
    this.#checker = midRunChecker(deps.mid_run);
    this.#signal = signal;
    this.run_id = run_id;
    this.hold = hold;
  }

  /** To the end of the job, or until it is another's. */
  async drive(): Promise<void> {
    const stored = await this.#read();
    const folder = runFolder(this.#deps.runs, this.run_id);
    let { run } = stored;
    try {
      if (run.job.stop_asked_at !== null) {
        await this.#endLost(run);
        return await this.#stopped(run, (await this.#read()).steps, folder);
      }
      // Paused while it was taken: it is given back.
      if (run.row.status === 'paused') return;
      if (run.row.phase === 'AUTHORIZED') {
        run = await this.#commit(startJob(run, this.hold, await this.#context(run)));
      } else if (run.row.phase === 'EXECUTING' && stored.steps.length > 0 && !(await folderExists(folder))) {
        return await this.#fail(run, stored.steps, folder, `its folder is not on this host: it ran on another one, which is gone`);
      }
      if (run.row.phase === 'EXECUTING') {
        const executed = await this.#execute(run, folder);
        if (executed === null) return;
        run = executed;
      }
      if (run.row.status === 'deferred') run = await this.#commit(requeueJob(run, this.hold, await this.#context(run)));
      const suspended = await suspensionOf(this.#deps, run.row.tenant_id);
      if (suspended !== null) return await this.#fail(run, (await this.#read()).steps, folder, suspended, 'tenant-suspended');
      await this.#judge(run);
      await removeFolder(folder);
    } catch (error) {
      if (!(error instanceof FolderFault)) throw error;
      const now = await this.#read();
      await this.#fail(now.run, now.steps, folder, error.message);
    }
  }

  async #execute(start: JobRun, folder: RunFolder): Promise<JobRun | null> {
    let run = start;
    await this.#endLost(run);
    this.#pinned = await prepareFolder(folder, run.file, this.#deps.objects, this.#signal);
    for (const [index, step] of run.file.steps.entries()) {
      const { steps } = await this.#read();
      const attempts = steps.filter(({ step_index }) => step_index === index);
      if (attempts.some(({ status }) => status === 'success' || status === 'skipped')) continue;
      let attempt = attempts.length;
      let last = attempts.at(-1);
      while (last === undefined || last.status === 'failed') {
        if (last !== undefined && attempt <= step.retries)
          await sleep(durationMs(step.backoff) * 2 ** (attempt - 1), undefined, { signal: this.#signal });
        const now = await this.#read();
        run = now.run;
        if (run.job.stop_asked_at !== null) {
          await this.#stopped(run, now.steps, folder);
          return null;
        }
        if (last !== undefined && attempt > step.retries) {
          const tries = attempt === 1 ? '' : ` after ${attempt} attempts`;
          await this.#fail(run, now.steps, folder, `step ${step.name} failed${tries}: ${last.reason ?? `exit code ${last.exit_code}`}`);
          return null;
        }
        if (!(await this.#mayGoOn(run, now.steps, folder))) return null;
        const over = overLimit(run, now.steps, step);
        if (over !== null) {
          await this.#fail(run, now.steps, folder, over, 'budget-exceeded');
          return null;
        }
        const gate = last === undefined ? judgeStep(step.requires, await this.#stepFacts(run, folder, now.steps)) : { met: true as const };
        if (!gate.met) {
          const begun = { step_index: index, attempt: 1, name: step.name, host: this.#deps.host, process: this.#deps.process };
          const { reason, takeaway, next_action } = gate;
          await this.#commit(skipStep(run, this.hold, begun, { reason, takeaway, next_action }, await this.#context(run)));
          break;
        }
        attempt += 1;
        last = await this.#attempt(run, folder, step, index, attempt, now.steps);
        if (this.#signal.aborted && this.#signal.reason !== stopAsked) throw new HoldLost(String(this.#signal.reason));
        if (!(await this.#withinBudget(folder))) return null;
      }
    }
    const { run: now, steps } = await this.#read();
    if (now.row.status === 'paused') return null;
    const harm = (await this.#pinned?.harmInBytes()) ?? null;
    if (harm !== null) throw new FolderFault(harm);
    return await this.#commit(executedJob(now, this.hold, await this.#store(now, steps, folder), await this.#context(now)));
  }

  /** What was right when the job was submitted may not be right before its next step. */
  async #mayGoOn(run: JobRun, steps: readonly JobStepRow[], folder: RunFolder): Promise<boolean> {
    if (run.row.status === 'paused') return false;
    const resumes = run.state.phases.filter(({ event }) => event === 'resume').length;
    // Somebody let it go on: that is looked at afresh, whenever the last look was.
    if (resumes !== this.#resumes) this.#checker.clear_run_state(this.run_id);
    this.#resumes = resumes;
    const look = async () => midRunFacts(run, steps, await standsNow(this.#deps, run));
    const { should_continue, decision, violations, reason } = await this.#checker.check_before_step(this.run_id, this.#deps.now(), look);
    if (should_continue) return true;
    if (decision === 'PAUSE') await this.#commit(pauseForViolation(run, this.hold, violations, await this.#context(run)));
    else if (violations.some(({ type }) => type === 'MANUAL_STOP')) await this.#stopped(run, steps, folder);
    else {
      const suspended = violations.some(({ type }) => type === 'TENANT_SUSPENDED');
      await this.#fail(run, steps, folder, reason, suspended ? 'tenant-suspended' : 'budget-exceeded');
    }
    return false;
  }

  /** After each attempt, whenever the last look was: thresholds are told, and a limit that is exceeded ends the run. */
  async #withinBudget(folder: RunFolder): Promise<boolean> {
    const { run, steps } = await this.#read();
    if (run.job.stop_asked_at !== null) return true;
    const noted = noteThresholds(run, this.hold, steps, await this.#context(run));
    const now = noted === null ? run : await this.#commit(noted);
    const over = overLimit(now, steps, null);
    if (over === null) return true;
    await this.#fail(now, steps, folder, over, 'budget-exceeded');
    return false;
  }

  /** Manifest and outputs become objects before anybody judges them: from here on the folder is not needed any more. */
  async #store(run: JobRun, steps: readonly JobStepRow[], folder: RunFolder) {
    const { objects } = this.#deps;
    const manifest = manifestRows(steps);
    const bytes = runManifest(this.run_id, run.file.workspace, manifest);
    await patiently(() => objects.put(digestOf(bytes), oneChunk(bytes)), this.#deps);
    const outputs: OutputSnapshot[] = [];
    for (const output of run.file.outputs) {
      const stored = await patiently(() => storeOutput(folder, output, run.row.tenant_id, objects), this.#deps);
      if (stored !== null) outputs.push(stored);
      else if (manifest.every(({ status }) => status === 'success'))
        throw new FolderFault(`output ${output.name} is empty: no step wrote it`);
    }
    return { manifest_digest: digestOf(bytes), outputs };
  }

  /** What a step gate may know: inputs as they are found in the data, signals, and what became of the steps before. */
  async #stepFacts(run: JobRun, folder: RunFolder, steps: readonly JobStepRow[]): Promise<StepFacts> {
    this.#inputs ??= await detectInputs(folder, run.file);
    const rows = manifestRows(steps);
    return {
      inputs: this.#inputs,
      signals: rows.flatMap(({ step, signals = [] }) => signals.map((signal) => ({ step, ...signal }))),
      steps: rows.map(({ step, status, exit_code }) => ({ step, status, exit_code })),
      label_asof: run.file.label_asof,
    };
  }

  /** An attempt that a former process began is never taken for done: what is left of it is ended, and it failed. */
  async #endLost(run: JobRun): Promise<void> {
    const { steps } = await this.#read();
    for (const row of steps.filter(({ status }) => status === 'running')) {
      const here = row.host === this.#deps.host;
      const ended = here ? await endWithCookie((cookie) => cookie === cookieOf(row)) : 0;
      const reason = here
        ? `govd was gone while it ran${ended > 0 ? `; ${ended} processes of it were still there and were ended` : ''}`
        : 'the host it ran on was gone; what is left of it there could not be ended from here';
      const step = run.file.steps[row.step_index];
      const outcome = { ...failedOutcome(reason), cost_units: step?.cost_units ?? 0, elapsed_ms: 0 };
      await this.#commit(endStep(run, this.hold, row, outcome, await this.#context(run)));
    }
  }

  async #attempt(run: JobRun, folder: RunFolder, step: JobStepFile, step_index: number, attempt: number, before: readonly JobStepRow[]) {
    const { host, process, config, env, objects, journal } = this.#deps;
    const begun = { step_index, attempt, name: step.name, host, process };
    const current = await this.#commit(beginStep(run, this.hold, begun, await this.#context(run)));
    const leftMs = (run.file.limits.seconds - usedBy(before).seconds) * 1000;
    const knownSignals = new Map((await readSignals(folder)).map((signal) => [signal.name, signal.digest]));
    const capture = new OutputCapture(config.output_bytes);
    this.live = { step: step.name, attempt, capture };
    const cwd = await workFolder(folder, step.cwd);
    const ended = await runAttempt({
      command: step.command,
      cwd,
      env: {
        ...Object.fromEntries(config.env.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
        ...stepVariables(folder, run.file, run.row.run_id),
        ...step.env,
      },
      cookie: cookieOf({ run_id: this.run_id, ...begun }),
      timeoutMs: Math.max(1, Math.min(durationMs(step.timeout), leftMs)),
      graceMs: durationMs(config.kill_grace),
      outputBytes: config.output_bytes,
      signal: this.#signal,
      watch: diskWatch(folder, { bytes: config.disk_bytes, free_bytes: config.min_free_bytes }),
      capture,
      spawned: (pid, pid_start) => {
        const values = { run_id: this.run_id, step_index, attempt, pid, pid_start };
        const unit = { label: 'job-step.spawned', changes: [{ write: 'job-step.spawned' as const, values }], records: [], events: [] };
        // For whoever looks: what is left behind is found by its cookie.
        journal.commit(unit).catch(() => {});
      },
    }).finally(() => {
      this.live = null;
    });
    if (this.#signal.aborted && this.#signal.reason === lockLost) throw new HoldLost(lockLost);
    const harm = (await this.#pinned?.harm()) ?? null;
    const [outcome, output] = await outcomeOf(ended, step, folder, knownSignals, harm);
    await patiently(() => objects.put(digestOf(output), oneChunk(output)), this.#deps);
    // Even when govd is about to stop: what ended is on record.
    const patience = this.#signal.aborted ? AbortSignal.timeout(5_000) : this.#signal;
    await commitStep(this.#deps, endStep(current, this.hold, begun, outcome, await this.#context(current)), patience);
    // A retry begins with what is pinned.
    if (harm !== null && !this.#signal.aborted) this.#pinned = await prepareFolder(folder, run.file, objects, this.#signal);
    const { steps } = await this.#read();
    return steps.find((row) => row.step_index === step_index && row.attempt === attempt);
  }

  async #judge(run: JobRun): Promise<void> {
    const { packs, database, environment } = this.#deps;
    const { steps } = await this.#read();
    const outputs = JSON.parse(run.job.outputs) as OutputSnapshot[];
    const context = await this.#context(run);
    const policy = await readPolicySet(database);
    const stored = await packs.factsOf(policy.packs.filter(({ name }) => run.file.policy_packs.includes(name)));
    const { actor_id, source_type, authenticated_by } = JSON.parse(run.job.actor) as Actor;
    const facts: JobFacts = {
      as_of: context.at,
      kernel_version: kernelVersion,
      environment: environment(),
      request: {
        run_id: this.run_id,
        tenant_id: run.row.tenant_id,
        dataset_id: run.row.dataset_id,
        actor: { actor_id, source_type, authenticated_by },
      },
      policy_packs: [...run.file.policy_packs],
      policy: policy.policy_rev === null ? null : { policy_rev: policy.policy_rev, packs: [...policy.packs] },
      job: factOfJob(run, steps, outputs, run.job.manifest_digest ?? ''),
    };
    const asked = decideJob(facts, packs.compiled(stored));
    const timedOut = asked.decision === 'defer' && run.row.defer_until !== null && run.row.defer_until <= context.at;
    const judged = { facts, decision: timedOut ? jobTimedOut(asked) : asked };
    if (judged.decision.decision === 'defer') await this.#commit(deferJob(run, this.hold, judged, deferLimits, context));
    else if (judged.decision.decision === 'deny') await this.#commit(denyJob(run, this.hold, judged, context));
    else {
      const registration = await registrationOf(this.#deps, run, outputs, context);
      if ('refused' in registration) throw new FolderFault(registration.refused);
      await this.#commit(completeJob(run, this.hold, judged, outputs, registration, context));
    }
  }

  async #stopped(run: JobRun, steps: readonly JobStepRow[], folder: RunFolder): Promise<void> {
    const by = JSON.parse(run.job.stop_asked_by ?? run.job.actor) as Actor;
    await this.#end(run, steps, folder, { event: 'cancel', status: 'cancelled', reason: run.job.stop_reason ?? stopAsked, by });
  }

  async #fail(
    run: JobRun,
    steps: readonly JobStepRow[],
    folder: RunFolder,
    reason: string,
    error_code?: NonNullable<Ending['error_code']>,
  ): Promise<void> {
    await this.#end(run, steps, folder, { event: 'error', status: 'failed', reason, ...(error_code === undefined ? {} : { error_code }) });
  }

  async #end(run: JobRun, steps: readonly JobStepRow[], folder: RunFolder, ending: Omit<Ending, 'manifest_digest'>): Promise<void> {
    const step = await plannedEnd(this.#deps, run, steps, this.hold, ending);
    await commitStep(this.#deps, step, this.#signal.aborted ? AbortSignal.timeout(30_000) : this.#signal);
    await removeFolder(folder);
  }

  async #commit(step: Parameters<typeof commitStep>[1]): Promise<JobRun> {
    return await commitStep(this.#deps, step, this.#signal);
  }

  async #read(): Promise<StoredJob> {
    const stored = await readStoredJob(this.#deps.database, this.run_id);
    if (stored === undefined) throw new HoldLost(`run ${this.run_id} is not there`);
    return stored;
  }

  async #context(run: JobRun): Promise<JobContext> {
    return await jobContext(this.#deps, run.row.updated_at);
  }
}
