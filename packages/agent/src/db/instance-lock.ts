import { Problem } from '@govctl/core/api';
import Sqlite from 'better-sqlite3';

/**
 * One daemon a state folder. The lock is an exclusive transaction on a database of its own: the operating system gives it back
 * whatever kills the process, so there is no stale lock file to clean.
 *
 * @throws Problem `locked` when another daemon has the folder.
 */
export function takeInstanceLock(path: string): { release(): void } {
  const handle = new Sqlite(path, { timeout: 200 });
  try {
    handle.pragma('locking_mode = EXCLUSIVE');
    handle.exec('BEGIN EXCLUSIVE');
    handle.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER)');
  } catch (cause) {
    handle.close();
    if (!String((cause as { code?: unknown }).code ?? '').startsWith('SQLITE_BUSY')) throw cause;
    throw new Problem('locked', {
      detail: `another govd runs on this state folder (${path} is held)`,
      hint: 'stop it first, or use another --state-dir',
      cause,
    });
  }
  return {
    release() {
      if (handle.inTransaction) handle.exec('ROLLBACK');
      handle.close();
    },
  };
}
