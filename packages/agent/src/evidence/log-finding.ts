import type { LogCheckName, LogVerificationDocument } from '@govctl/core/api';
import type { Database } from '../db/index.ts';

export type LogVerifyProgress = { readonly leaves: number; readonly leaves_total: number; readonly phase: string };

export type Tell = (check: LogCheckName, subject: string, detail: string) => void;

const toldFailures = 100;

/** What a verification has found and counted so far. */
export type LogFindings = {
  count: number;
  /** The first of them. */
  readonly failures: LogVerificationDocument['failures'];
  readonly checked: LogVerificationDocument['checked'];
  readonly tell: Tell;
};

export function logFindings(): LogFindings {
  const found: LogFindings = {
    count: 0,
    failures: [],
    checked: { leaves: 0, erased: 0, nodes: 0, heads: 0, promotions: 0, pointers: 0, runs: 0 },
    tell: (check, subject, detail) => {
      found.count += 1;
      if (found.failures.length < toldFailures) found.failures.push({ check, subject, detail });
    },
  };
  return found;
}

export const leafSubject = ({ leaf_index, ref }: { readonly leaf_index: number; readonly ref: string }) => `leaf ${leaf_index} (${ref})`;

/** The tree that is walked, and what was found of it. */
export type LogWalk = { readonly database: Database; readonly size: number; readonly found: LogFindings; readonly signal?: AbortSignal };

export function progressOf({ found, size }: LogWalk, phase: string): LogVerifyProgress {
  return { leaves: found.checked.leaves, leaves_total: size, phase };
}

/** Everybody else's turn. @throws when nobody waits for the walk any more */
export async function turn(signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise((resolve) => setImmediate(resolve));
}
