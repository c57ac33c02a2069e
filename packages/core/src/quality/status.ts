import { Problem } from '../api/problem.ts';
import type { CheckStatus } from './check.ts';

/** What a tool's own word becomes; `means` is for people. A word that is not in the table of its tool never passes. */
export type StatusTable = Readonly<Record<string, { readonly status: CheckStatus; readonly means: string }>>;

const rank: Readonly<Record<CheckStatus, number>> = { passed: 0, warned: 1, skipped: 2, not_evaluated: 2, failed: 3, error: 4 };

/** Of two statuses of the same check the worse one holds. */
export function worseStatus(a: CheckStatus, b: CheckStatus): CheckStatus {
  return rank[b] > rank[a] ? b : a;
}

/**
 * What a word means.
 *
 * @throws Problem `unprocessable`, naming word and check, where the table has no such word: a later version of the tool may mean anything by it
 */
export function statusOf(table: StatusTable, word: unknown, what: string, check: string): CheckStatus {
  const known = typeof word === 'string' && Object.hasOwn(table, word) ? table[word] : undefined;
  if (known !== undefined) return known.status;
  const shown = word === undefined ? 'nothing' : JSON.stringify(word).slice(0, 100);
  throw new Problem('unprocessable', {
    detail: `the ${what} says ${shown} of ${JSON.stringify(check.slice(0, 200))}; known are ${Object.keys(table).join(', ')}`,
    hint: 'govctl quality import --help',
  });
}
