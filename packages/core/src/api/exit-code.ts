/**
 * Exit codes of govctl: a public API (`govctl help exit-codes`). Scripts branch on them, so a number never changes its meaning.
 */
export const exitCodes = {
  ok: { code: 0, when: 'done, allowed, already so, empty list' },
  internal: { code: 1, when: 'a bug or a 5xx answer' },
  usage: { code: 2, when: 'bad flag, file or configuration; a prompt would be needed' },
  deny: { code: 3, when: 'the decision is deny' },
  auth: { code: 4, when: 'not authenticated, or not permitted to call' },
  unreachable: { code: 5, when: 'no daemon answers' },
  incompatible: { code: 6, when: 'the API windows of client and daemon do not overlap' },
  defer: { code: 8, when: 'pending: evidence, approval, window or queue' },
  conflict: { code: 10, when: 'workspace lock held, stale plan, other body for a run_id, compare-and-set lost' },
  'not-found': { code: 11, when: 'the named thing does not exist' },
  integrity: { code: 20, when: 'a signature, digest, proof or log does not verify' },
  failed: { code: 21, when: 'the awaited run ended failed or cancelled' },
  findings: { code: 22, when: 'reconcile, doctor or handoff status found something' },
  timeout: { code: 124, when: '--timeout ran out, still open; the output says what is unmet' },
  cancelled: { code: 130, when: 'interrupted (143 when terminated)' },
} as const;

export type ExitName = keyof typeof exitCodes;
