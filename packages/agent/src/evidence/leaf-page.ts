import type { Database } from '../db/index.ts';
import { leafWeight } from './verify-log-queries.ts';

/** Leaves of one go: a few milliseconds of work, then everybody else gets a turn. */
const rowsAtMost = 256;
/** Payloads and facts of one go; a leaf that has more by itself is a go of its own. */
const bytesAtMost = 2 * 1024 * 1024;

/** Where the page that begins at `first` ends, so that it fits into memory whatever the records are. */
export async function pageEnd(database: Database, first: number, size: number): Promise<number> {
  let rows = Math.min(rowsAtMost, size - first);
  while (rows > 1) {
    const [[weight]] = await database.read([leafWeight({ first, end: first + rows })]);
    if ((weight?.bytes ?? 0) <= bytesAtMost) break;
    rows = Math.ceil(rows / 2);
  }
  return first + rows;
}

/** Pages of the leaves from `first` up to `size`, in order; the next is read while one is looked at. */
export async function* pagesOf<Page extends { readonly end: number }>(
  first: number,
  size: number,
  load: (first: number) => Promise<Page>,
): AsyncGenerator<Page> {
  const begin = (from: number) => {
    if (from >= size) return undefined;
    const page = load(from);
    // It fails when it is taken, not before.
    page.catch(() => {});
    return page;
  };
  let next = begin(first);
  try {
    while (next !== undefined) {
      const page: Page = await next;
      next = begin(page.end);
      yield page;
    }
  } finally {
    await next?.catch(() => {});
  }
}
