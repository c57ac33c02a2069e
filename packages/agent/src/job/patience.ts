import { FolderFault } from './folder-fault.ts';
import type { WorkerDependencies } from './worker-port.ts';

export type Patience = Pick<WorkerDependencies, 'logger' | 'wait'>;

const tries = 30;
const pauseMs = 1000;

/** Storing an object is tried again while the store is full or away; what was not stored is not named. */
export async function patiently<T>(work: () => Promise<T>, { logger, wait }: Patience): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= tries || error instanceof FolderFault) throw error;
      logger.error({ err: error }, 'an object of a run cannot be stored; trying again');
      await wait(pauseMs);
    }
  }
}
