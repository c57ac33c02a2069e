import { setTimeout as sleep } from 'node:timers/promises';
import type { SqliteHandle } from './sqlite.ts';

/** For how long somebody waits, in milliseconds, while another process holds the write lock of a database. */
export const lockPatienceMs = 10_000;
/** Between two tries. The event loop turns meanwhile. */
export const lockPauseMs = 20;

/**
 * Makes a connection say at once that another process writes. SQLite's own waiting stops the thread: no request would be read, and one that
 * just arrived would be refused as too slow, until the other process is done.
 */
export function neverWait(handle: SqliteHandle): void {
  handle.pragma('busy_timeout = 0');
}

/** Whether an error, or what caused it, says that another process holds the write lock. */
export function isLocked(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return (typeof code === 'string' && code.startsWith('SQLITE_BUSY')) || isLocked(cause);
}

/** Tries again while another process holds the write lock, and lets others be served meanwhile. @throws what `write` throws at last. */
export async function whenUnlocked<T>(write: () => T, patienceMs = lockPatienceMs): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return write();
    } catch (error) {
      if (!isLocked(error) || performance.now() >= until) throw error;
    }
    await sleep(lockPauseMs);
  }
}
