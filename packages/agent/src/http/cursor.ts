import { Problem } from '@govctl/core/api';

/** Later than any row: a list without a cursor begins with the newest. */
const farFuture = '9999-12-31T23:59:59.999Z';

/**
 * Where a page of a list begins that goes from the newest to the oldest.
 *
 * @throws Problem `invalid-request` for a cursor this server did not give
 */
export function pageBegin(cursor: string | undefined): { readonly before: string; readonly before_id: string } {
  const [before, before_id] = cursor === undefined ? [farFuture, ''] : decodeCursor(cursor);
  return { before, before_id };
}

/**
 * A page, and the cursor of the next one where there is more.
 *
 * @param rows as many as the page may have and one more, which is not shown
 * @param placeOf when a row came, and its id
 */
export function pageOf<R>(rows: readonly R[], limit: number, placeOf: (row: R) => readonly [at: string, id: string]) {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { page, next_cursor: rows.length > limit && last !== undefined ? encodeCursor(placeOf(last)) : null };
}

/** Cursors are opaque to callers; a made-up one is a bad request, not a bug. */
function encodeCursor(parts: readonly [at: string, id: string]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * The place of the row after which a list goes on: when it came, and its id.
 *
 * @throws Problem `invalid-request` for a cursor this server did not give
 */
function decodeCursor(cursor: string): readonly [at: string, id: string] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parts) && parts.length === 2) {
      const [at, id] = parts as unknown[];
      if (typeof at === 'string' && typeof id === 'string') return [at, id];
    }
  } catch {
    // Falls through to the one answer for every cursor this server did not give.
  }
  throw new Problem('invalid-request', { detail: 'the cursor is not one this server gave', hint: 'start the list again without a cursor' });
}
