import { Problem } from '@govctl/core/api';

/** Cursors are opaque to callers; a made-up one is a bad request, not a bug. */
export function encodeCursor(parts: readonly [at: string, id: string]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * The place of the row after which a list goes on: when it came, and its id.
 *
 * @throws Problem `invalid-request` for a cursor this server did not give
 */
export function decodeCursor(cursor: string): readonly [at: string, id: string] {
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
