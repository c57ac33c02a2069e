import type { GateAnswer, Verdict } from './decision.ts';

/** Any fail denies, else any defer defers, else allow. Nothing evaluated is a deny: silence is not consent. */
export function verdictOf(gates: readonly Pick<GateAnswer, 'outcome'>[]): Verdict {
  let verdict: Verdict = 'deny';
  for (const { outcome } of gates) {
    if (outcome === 'fail') return 'deny';
    if (outcome === 'defer') verdict = 'defer';
    else if (outcome === 'pass' && verdict === 'deny') verdict = 'allow';
  }
  return verdict;
}
