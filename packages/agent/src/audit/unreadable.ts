import type { ReconcileFinding } from '@govctl/core/api';
import { ageSeconds } from './reconcile-scope.ts';

/** Something that was stored, and is not what it has to be. */
export type Unreadable = {
  readonly check: string;
  readonly subject: string;
  /** In words, after "cannot be read: ". */
  readonly fault: string;
  readonly at: string | null;
  /** What to do, or where to look. */
  readonly fix: string;
};

/** One broken thing is one finding, and never the end of a reconciliation. */
export function unreadableFinding({ check, subject, fault, at, fix }: Unreadable, now: string): ReconcileFinding {
  return {
    class: 'invalid',
    check,
    severity: 'high',
    subject,
    expected: 'readable, as it was stored',
    observed: `cannot be read: ${fault}`,
    age_s: at === null ? null : ageSeconds(at, now),
    fix,
  };
}

/** Where to look for a run whose row was damaged: what was decided and done is on record whatever became of the row. */
export function onRecord(run_id: string): string {
  return `govctl evidence ls --run ${run_id}; the row as it was is in a backup`;
}

/** A stored text as JSON, or why it is none. */
export function readJson(text: string): { readonly value: unknown; readonly fault: string | null } {
  try {
    return { value: JSON.parse(text), fault: null };
  } catch (error) {
    return { value: undefined, fault: `is not JSON: ${(error as Error).message.slice(0, 200)}` };
  }
}
