import { type Loop, startLoop } from '../loop/loop.ts';
import { jobsEnabled } from './admission.ts';
import { giveBack, mayTake, take } from './claim.ts';
import { type Driven, driveHeld } from './driven.ts';
import type { Driving } from './driver.ts';
import { daemonStops, lockLost, pauseOver, stopAsked } from './interruption.ts';
import { isPauseOver, settlePaused, stopWithoutLock } from './paused.ts';
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

const idleMs = 1000;
const perRound = 200;
/** After a failure that nobody foresaw: not again at once. */
const restMs = 5000;

/**
 * Runs jobs: takes those nobody runs, renews the locks of those it runs, passes on what was asked of them. One host runs a job: the lock's fence
 * says which, and every unit of a run compares it.
 */
export async function startJobWorker(deps: WorkerDependencies): Promise<JobWorker> {
  const { database, now, host, process, config, logger } = deps;
  const driven = new Map<string, Driven>();
  const restingUntil = new Map<string, number>();
  let stopping = false;
  // What a former daemon of this folder left running belongs to attempts that are lost: none of it may go on beside a retry.
  const left = await deps.processes.endWithCookie((cookie) => cookie.startsWith(`${host}/`) && !cookie.startsWith(`${host}/${process}/`));
  if (left > 0) logger.warn({ processes: left }, 'processes of steps were left from a former govd, and were ended');

  const begin = (run_id: string, running: Driven) => {
    driven.set(run_id, running);
    void running.done.then((well) => {
      if (!well) restingUntil.set(run_id, performance.now() + restMs);
      driven.delete(run_id);
      loop.wake();
    });
  };

  const passOn = async (job: OpenJobRow, { driving, interrupt }: Driven) => {
    // Its lock was broken or taken over: what runs here is ended now, not when its next renewal is refused.
    if ((job.lock_fence ?? 0) > driving.hold.fence) interrupt(lockLost);
    else if (job.stop_asked_at !== null) interrupt(stopAsked);
    else if (job.status === 'paused' && (await isPauseOver(deps, job.run_id))) interrupt(pauseOver);
  };

  const look = async (job: OpenJobRow) => {
    const running = driven.get(job.run_id);
    if (running !== undefined) return await passOn(job, running);
    if (await isLeftAlone(deps, job)) return;
    if ((restingUntil.get(job.run_id) ?? 0) > performance.now()) return;
    restingUntil.delete(job.run_id);
    // Where jobs were switched off meanwhile, what was accepted before is not run: it can be stopped.
    if (!jobsEnabled(deps) && job.stop_asked_at === null) return;
    if (stopping || driven.size >= config.max_parallel || !mayTake(deps, job, now())) return;
    const hold = await take(deps, job);
    if (hold !== null && !stopping) begin(job.run_id, driveHeld(deps, job.run_id, hold));
  };

  const loop: Loop = startLoop({
    name: 'job',
    now,
    logger,
    watch: deps.watch,
    round: async () => {
      const [jobs] = await database.read([openJobs({ now: now(), limit: perRound })]);
      for (const job of jobs) await look(job);
      return idleMs;
    },
  });

  return {
    wake: () => loop.wake(),
    driving: (run_id) => driven.get(run_id)?.driving,
    async stop() {
      stopping = true;
      await loop.stop();
      const running = [...driven];
      for (const [, { interrupt }] of running) interrupt(daemonStops);
      await Promise.all(running.map(([, { done }]) => done));
      for (const [run_id] of running)
        await giveBack(deps, run_id).catch((error: unknown) => logger.warn({ run_id, err: error }, 'a job could not be given back'));
    },
  };
}

/** A job that nobody here drives, and that is not to be taken: it is paused, or is stopped while another run has its workspace. */
async function isLeftAlone(deps: WorkerDependencies, job: OpenJobRow): Promise<boolean> {
  const ours = job.process === null || job.host === deps.host;
  if (job.stop_asked_at === null) {
    if (job.status !== 'paused') return false;
    if (job.process !== null && ours) await settlePaused(deps, job);
    return true;
  }
  const elsewhere = job.lock_holder !== null && job.lock_holder !== job.run_id && (job.lock_expires_at ?? '') > deps.now();
  if (elsewhere && ours) await stopWithoutLock(deps, job.run_id);
  return elsewhere;
}
