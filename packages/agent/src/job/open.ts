import { hash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobContext } from './context.ts';
import { type JobHandlerDependencies, jobHandlers } from './handler.ts';
import { pausedJobs } from './paused.ts';
import { endWithCookie } from './proc.ts';
import { runAttempt } from './process.ts';
import { startJobWorker } from './worker.ts';
import type { WorkerDependencies } from './worker-port.ts';

export type JobSettings = Omit<WorkerDependencies, 'runs' | 'host' | 'process' | 'context' | 'processes' | 'wait'> &
  Pick<JobHandlerDependencies, 'log' | 'refusals'> & {
    /** The state folder. */
    readonly root: string;
  };

/** A timer counts no further; who waits longer is woken early, in 24 days. */
const longestMs = 2 ** 31 - 1;

/** Jobs of this daemon: the worker that runs them, and the handlers that speak of them. */
export async function openJobs(settings: JobSettings) {
  const runs = settings.config.folder ?? join(settings.root, 'runs');
  await mkdir(runs, { recursive: true, mode: 0o700 });
  // One daemon a state folder: who finds this name on a process of a former daemon knows that nobody else is it.
  const host = hash('sha256', `${hostname()}\0${resolve(settings.root)}`, 'hex').slice(0, 16);
  const context = (after: string) => jobContext(settings, after);
  const working = {
    ...settings,
    runs,
    host,
    process: settings.randomHex(8),
    context,
    processes: { run: runAttempt, endWithCookie },
    wait: (ms: number, signal?: AbortSignal) => sleep(Math.min(ms, longestMs), undefined, { signal }),
  };
  const worker = await startJobWorker(working);
  return { ...jobHandlers({ ...settings, worker }), paused: pausedJobs(working, () => worker.wake()), stop: () => worker.stop() };
}
