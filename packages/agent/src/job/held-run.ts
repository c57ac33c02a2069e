import type { Actor } from '@govctl/core/identity';
import type { Ending, JobContext, JobRun, JobStep, RunHold } from '@govctl/core/job';
import { commitStep, HoldLost } from './commit.ts';
import { plannedEnd } from './context.ts';
import { type RunFolder, removeFolder, runFolder } from './folder.ts';
import { stopAsked } from './interruption.ts';
import { readStoredJob, type StoredJob } from './queries.ts';
import type { WorkerDependencies } from './worker-port.ts';

/** How long the end of a run is tried to be written although somebody waits for us to stop. */
const lastWordMs = 30_000;

/** A run whose workspace this host holds, and the way it is written: every unit renews the lock first, and who lost it commits nothing more. */
export class HeldRun {
  readonly deps: WorkerDependencies;
  readonly run_id: string;
  readonly hold: RunHold;
  /** Aborted when somebody wants it to stop here; the reason says why. */
  readonly signal: AbortSignal;
  readonly folder: RunFolder;

  constructor(deps: WorkerDependencies, run_id: string, hold: RunHold, signal: AbortSignal) {
    this.deps = deps;
    this.run_id = run_id;
    this.hold = hold;
    this.signal = signal;
    this.folder = runFolder(deps.runs, run_id);
  }

  /** @throws HoldLost */
  async read(): Promise<StoredJob> {
    const stored = await readStoredJob(this.deps.database, this.run_id);
    if (stored === undefined) throw new HoldLost(`run ${this.run_id} is not there`);
    return stored;
  }

  async context({ row }: JobRun): Promise<JobContext> {
    return await this.deps.context(row.updated_at);
  }

  /** @throws HoldLost when the lock is another's, or the run moved meanwhile */
  async commit(step: JobStep, patience: AbortSignal = this.signal): Promise<JobRun> {
    return await commitStep(this.deps, step, patience);
  }

  /** Ends it in the name of whoever asked for that. */
  async stop(stored: StoredJob): Promise<void> {
    const { stop_asked_by, stop_reason, actor } = stored.run.job;
    const by = JSON.parse(stop_asked_by ?? actor) as Actor;
    await this.#end(stored, { event: 'cancel', status: 'cancelled', reason: stop_reason ?? stopAsked, by });
  }

  async fail(stored: StoredJob, reason: string, error_code?: NonNullable<Ending['error_code']>): Promise<void> {
    await this.#end(stored, { event: 'error', status: 'failed', reason, ...(error_code === undefined ? {} : { error_code }) });
  }

  async #end(stored: StoredJob, ending: Parameters<typeof plannedEnd>[3]): Promise<void> {
    const step = await plannedEnd(this.deps, stored, this.hold, ending);
    await this.commit(step, this.signal.aborted ? AbortSignal.timeout(lastWordMs) : this.signal);
    await removeFolder(this.folder);
  }
}
