import type { WriteName } from '@govctl/core/journal';

const failed = new WeakMap<object, WriteName>();

/** Remembers which write of a unit an error came from: the database's own words need not say. */
export function noteFailedWrite(error: unknown, write: WriteName): void {
  if (typeof error === 'object' && error !== null) failed.set(error, write);
}

/** The write that an error came from, or the error that caused it. */
export function failedWriteOf(error: unknown): WriteName | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  return failed.get(error) ?? failedWriteOf((error as { readonly cause?: unknown }).cause);
}

/** What went wrong at the bottom of an error, in its own words. */
export function innermost(error: unknown): string {
  const { cause, message } = error as Error;
  return cause === undefined ? message : innermost(cause);
}
