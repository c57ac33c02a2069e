import { setTimeout as sleep } from 'node:timers/promises';
import { FolderFault } from './folder.ts';
import type { JobDependencies } from './worker-port.ts';

/** Storing an object is tried again while the store is full or away; what was not stored is not named. */
export async function patiently<T>(work: () => Promise<T>, { logger }: Pick<JobDependencies, 'logger'>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= 30 || error instanceof FolderFault) throw error;
      logger.error({ err: error }, 'an object of a run cannot be stored; trying again');
      await sleep(1000);
    }
  }
}
