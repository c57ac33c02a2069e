import { lockEnd, type RunHold, runLockMs } from '@govctl/core/job';
import { HoldLost } from './commit.ts';
import { type Driving, JobDriver } from './driver.ts';
import { lockLost } from './interruption.ts';
import type { WorkerDependencies } from './worker-port.ts';

/** A job that runs here, until `done`: its driver, and what interrupts it. */
export type Driven = {
  readonly driving: Driving;
  interrupt(reason: string): void;
  /** Whether it may be taken up again at once: it ended, waits, or is another's. */
  readonly done: Promise<boolean>;
};

/** Drives a job whose workspace was taken, and renews its lock meanwhile. */
export function driveHeld(deps: WorkerDependencies, run_id: string, hold: RunHold): Driven {
  const interrupt = new AbortController();
  const driver = new JobDriver(deps, run_id, hold, interrupt.signal);
  const renewing = setInterval(() => void renew(deps, run_id, hold, interrupt), runLockMs / 5);
  const done = driver
    .drive()
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof HoldLost || interrupt.signal.aborted) {
          deps.logger.info({ run_id, why: (error as Error).message }, 'this host runs the job no longer');
          return true;
        }
        deps.logger.error({ run_id, err: error }, 'a job could not be driven on; it is tried again');
        return false;
      },
    )
    .finally(() => clearInterval(renewing));
  return { driving: driver, interrupt: (reason) => interrupt.abort(reason), done };
}

async function renew({ journal, now, logger }: WorkerDependencies, run_id: string, hold: RunHold, interrupt: AbortController) {
  const values = { lock_key: hold.lock_key, holder: run_id, fence: hold.fence, expires_at: lockEnd(now()) };
  try {
    const result = await journal.commit({ label: 'lock.renew', changes: [{ write: 'lock.renew', values }], records: [], events: [] });
    if (!result.ok) interrupt.abort(lockLost);
  } catch (error) {
    // Told again in a minute; the lock lasts for five.
    logger.warn({ run_id, err: error }, 'the lock of a run could not be renewed');
  }
}
