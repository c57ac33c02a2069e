import type { RunHold } from '@govctl/core/job';
import { lockEnd, runLockMs, workspaceLock } from '@govctl/core/job';
import { type Loop, startLoop } from '../loop/loop.ts';
import { jobsEnabled } from './admission.ts';
import { HoldLost } from './commit.ts';
import { type Driving, daemonStops, JobDriver, lockLost, pauseOver, stopAsked } from './driver.ts';
import { isPauseOver, settlePaused, stopPaused } from './paused.ts';
import { endWithCookie } from './proc.ts';
import { type OpenJobRow, openJobs } from './queries.ts';
import type { WorkerDependencies } from './worker-port.ts';

/** The jobs of this host. */
export type JobWorker = {
  /** A job was submitted, or its end was asked for: a hint. */
  wake(): void;
  /** What runs here now. */
  driving(run_id: string): Driving | undefined;
  stop(): Promise<void>;
};

type Driven = { readonly driver: JobDriver; readonly interrupt: AbortController; readonly done: Promise<void> };

const idleMs = 1000;
const perRound = 200;
/** After a failure that nobody foresaw: not again at once. */
const restMs = 5000;

/**
 * Runs jobs: takes those nobody runs, renews the locks of those it runs, passes on what was asked of them. One host runs a job: the lock's fence
 * says which, and every unit of a run compares it.
 */
export async function startJobWorker(deps: WorkerDependencies): Promise<JobWorker> {
  const { database, journal, now, host, process, config, logger } = deps;
  const driven = new Map<string, Driven>();
  const restingUntil = new Map<string, number>();
  let stopping = false;
  // What a former daemon of this folder left running belongs to attempts that are lost: none of it may go on beside a retry.
  const left = await endWithCookie((cookie) => cookie.startsWith(`${host}/`) && !cookie.startsWith(`${host}/${process}/`));
  if (left > 0) logger.warn({ processes: left }, 'processes of steps were left from a former govd, and were ended');

  const mayTake = (job: OpenJobRow, at: string): boolean => {
    if (job.stop_asked_at === null && (job.status === 'paused' || (job.status === 'deferred' && (job.next_eligible_at ?? at) > at)))
      return false;
    const free = job.lock_holder === null || (job.lock_expires_at ?? '') <= at;
    const nobodys = job.process === null || job.host === host;
    return free || (job.lock_holder === job.run_id && nobodys);
  };

  const take = async (job: OpenJobRow): Promise<RunHold | null> => {
    const at = now();
    const lock_key = workspaceLock(job.tenant_id, job.workspace);
    const expected_fence = job.lock_fence ?? 0;
    const result = await journal.commit({
      label: 'job.claim',
      changes: [
        { write: 'lock.take', values: { lock_key, holder: job.run_id, expected_fence, at, expires_at: lockEnd(at) } },
        { write: 'job.claim', values: { run_id: job.run_id, host, process } },
      ],
      records: [],
      events: [],
    });
    return result.ok ? { lock_key, fence: expected_fence + 1 } : null;
  };

  /** What becomes of a paused job that nobody here drives. @returns whether it is not to be taken */
  const paused = async (job: OpenJobRow): Promise<boolean> => {
    if (job.stop_asked_at === null) {
      if (job.process !== null && job.host === host) await settlePaused(deps, job);
      return true;
    }
    const elsewhere = job.lock_holder !== null && job.lock_holder !== job.run_id && (job.lock_expires_at ?? '') > now();
    if (elsewhere) await stopPaused(deps, job.run_id);
    return elsewhere;
  };

  const begin = (job: OpenJobRow, hold: RunHold) => {
    const interrupt = new AbortController();
    const driver = new JobDriver(deps, job.run_id, hold, interrupt.signal);
    const renewing = setInterval(() => {
      const at = now();
      const values = { lock_key: hold.lock_key, holder: job.run_id, fence: hold.fence, expires_at: lockEnd(at) };
      journal.commit({ label: 'lock.renew', changes: [{ write: 'lock.renew', values }], records: [], events: [] }).then(
        (result) => (result.ok ? undefined : interrupt.abort(lockLost)),
        // Told again in a minute; the lock lasts for five.
        (error: unknown) => logger.warn({ run_id: job.run_id, err: error }, 'the lock of a run could not be renewed'),
      );
    }, runLockMs / 5);
    const done = driver
      .drive()
      .catch((error: unknown) => {
        if (error instanceof HoldLost || interrupt.signal.aborted)
          logger.info({ run_id: job.run_id, why: (error as Error).message }, 'this host runs the job no longer');
        else {
          logger.error({ run_id: job.run_id, err: error }, 'a job could not be driven on; it is tried again');
          restingUntil.set(job.run_id, performance.now() + restMs);
        }
      })
      .finally(() => {
        clearInterval(renewing);
        driven.delete(job.run_id);
        loop.wake();
      });
    driven.set(job.run_id, { driver, interrupt, done });
  };

  const loop: Loop = startLoop({
    name: 'job',
    now,
    logger,
    watch: deps.watch,
    round: async () => {
      const [jobs] = await database.read([openJobs({ limit: perRound })]);
      for (const job of jobs) {
        const running = driven.get(job.run_id);
        if (running !== undefined) {
          if (job.stop_asked_at !== null) running.interrupt.abort(stopAsked);
          else if (job.status === 'paused' && (await isPauseOver(deps, job.run_id))) running.interrupt.abort(pauseOver);
          continue;
        }
        if (job.status === 'paused' && (await paused(job))) continue;
        if ((restingUntil.get(job.run_id) ?? 0) > performance.now()) continue;
        restingUntil.delete(job.run_id);
        // Where jobs were switched off meanwhile, what was accepted before is not run: it can be stopped.
        if (!jobsEnabled(deps) && job.stop_asked_at === null) continue;
        if (stopping || driven.size >= config.max_parallel || !mayTake(job, now())) continue;
        const hold = await take(job);
        if (hold !== null && !stopping) begin(job, hold);
      }
      return idleMs;
    },
  });

  return {
    wake: () => loop.wake(),
    driving: (run_id) => driven.get(run_id)?.driver,
    async stop() {
      stopping = true;
      await loop.stop();
      const running = [...driven.entries()];
      for (const [, { interrupt }] of running) interrupt.abort(daemonStops);
      await Promise.all(running.map(([, { done }]) => done));
      // Whoever comes next need not wait until the locks expire.
      for (const [run_id] of running) {
        const unit = {
          label: 'job.release',
          changes: [{ write: 'job.release' as const, values: { run_id, process } }],
          records: [],
          events: [],
        };
        await journal.commit(unit).catch((error: unknown) => logger.warn({ run_id, err: error }, 'a job could not be given back'));
      }
    },
  };
}
