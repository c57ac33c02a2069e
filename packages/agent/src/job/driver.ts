import { type RunHold, requeueJob, startJob } from '@govctl/core/job';
import { folderExists, removeFolder } from './folder.ts';
import { FolderFault } from './folder-fault.ts';
import { HeldRun } from './held-run.ts';
import { judgeRun } from './judge.ts';
import { suspensionOf } from './mid-run.ts';
import type { LiveAttempt } from './recorded-attempt.ts';
import { StepSequence } from './step-sequence.ts';
import type { WorkerDependencies } from './worker-port.ts';

/** What a driver tells about the job it drives, while it does. */
export type Driving = {
  readonly run_id: string;
  readonly hold: RunHold;
  /** What the running attempt printed so far. */
  readonly live: LiveAttempt | null;
};

/** Drives one job from where it is to its end, under its lock. */
export class JobDriver implements Driving {
  readonly #held: HeldRun;
  readonly #steps: StepSequence;

  constructor(deps: WorkerDependencies, run_id: string, hold: RunHold, signal: AbortSignal) {
    this.#held = new HeldRun(deps, run_id, hold, signal);
    this.#steps = new StepSequence(this.#held);
  }

  get run_id(): string {
    return this.#held.run_id;
  }

  get hold(): RunHold {
    return this.#held.hold;
  }

  get live(): LiveAttempt | null {
    return this.#steps.live;
  }

  /** To the end of the job, or until it waits, or is another's. @throws HoldLost */
  async drive(): Promise<void> {
    try {
      await this.#onwards();
    } catch (error) {
      if (!(error instanceof FolderFault)) throw error;
      await this.#held.fail(await this.#held.read(), error.message);
    }
  }

  async #onwards(): Promise<void> {
    const held = this.#held;
    const stored = await held.read();
    let { run } = stored;
    if (run.job.stop_asked_at !== null) {
      await this.#steps.endLost(stored);
      return await held.stop(await held.read());
    }
    // Paused while it was taken: it is given back.
    if (run.row.status === 'paused') return;
    if (run.row.phase === 'AUTHORIZED') run = await held.commit(startJob(run, held.hold, await held.context(run)));
    else if (run.row.phase === 'EXECUTING' && stored.steps.length > 0 && !(await folderExists(held.folder)))
      return await held.fail(stored, 'its folder is not on this host: the one it ran on is gone, or its lock was broken');
    if (run.row.phase === 'EXECUTING') {
      const executed = await this.#steps.execute();
      if (executed === null) return;
      run = executed;
    }
    if (run.row.status === 'deferred') run = await held.commit(requeueJob(run, held.hold, await held.context(run)));
    const suspended = await suspensionOf(held.deps, run.row.tenant_id);
    if (suspended !== null) return await held.fail(await held.read(), suspended, 'tenant-suspended');
    await judgeRun(held, run);
    await removeFolder(held.folder);
  }
}
