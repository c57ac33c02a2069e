import { existsSync, statSync } from 'node:fs';
import { openSqlite } from './sqlite.ts';

/** A database file, and where its copy goes. */
export type CopyOrder = { readonly from: string; readonly to: string };

/** A few milliseconds of copying; between two of these everybody else gets a turn. */
const pagesOfSlice = 128;

/** About how many bytes a copy takes. */
export function databaseBytes(path: string): number {
  return [path, `${path}-wal`].reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0);
}

/**
 * Copies databases while others write them, each as it was at one moment. Those moments are in the order given and next to each other: a
 * read transaction is opened on every one before the first page is copied, so no copy begins again because somebody wrote.
 *
 * @throws what the signal was aborted with; half a copy is left to whoever made the folder
 */
export async function copySqlite(orders: readonly CopyOrder[], signal: AbortSignal): Promise<void> {
  const sources: { readonly handle: ReturnType<typeof openSqlite>; readonly to: string }[] = [];
  try {
    for (const { from, to } of orders) {
      const handle = openSqlite(from, 'read');
      sources.push({ handle, to });
      handle.exec('BEGIN');
      // A transaction sees the moment of its first read, not of its BEGIN.
      handle.prepare('SELECT count(*) FROM sqlite_schema').get();
    }
    for (const { handle, to } of sources) {
      await handle.backup(to, {
        progress() {
          signal.throwIfAborted();
          return pagesOfSlice;
        },
      });
      // The moment of this one is not needed any more: its write-ahead log may shrink again.
      handle.exec('COMMIT');
    }
  } finally {
    for (const { handle } of sources) handle.close();
  }
}
