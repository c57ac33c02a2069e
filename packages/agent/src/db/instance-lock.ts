import { Problem } from '@govctl/core/api';
import Sqlite from 'better-sqlite3';
import { unusable } from './sqlite.ts';

/**
 * One daemon a state folder. The lock is an exclusive transaction on a database of its own: the operating system gives it back
 * whatever kills the process, so there is no stale lock file to clean.
 *
 * @throws Problem `locked` when another daemon has the folder.
 */
export function takeInstanceLock(path: string): { release(): void } {
  let handle: Sqlite.Database | undefined;
  try {
    handle = new Sqlite(path, { timeout: 200 });
    handle.pragma('locking_mode = EXCLUSIVE');
    handle.exec('BEGIN EXCLUSIVE');
    handle.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER)');
  } catch (cause) {
    handle?.close();
    if (!String((cause as { code?: unknown }).code ?? '').startsWith('SQLITE_BUSY')) throw unusable(path, cause);
    throw new Problem('locked', {
      detail: `another govd runs on this state folder (${path} is held)`,
      hint: 'stop it first, or use another --state-dir',
      cause,
    });
  }
  const held = handle;
  return {
    release() {
      if (held.inTransaction) held.exec('ROLLBACK');
      held.close();
    },
  };
}
