import type { CheckFact } from './check.ts';

export type Score = {
  /** Weight of what passed over weight of all, from 0 to 1; null when there is nothing to score. */
  readonly value: number | null;
  readonly passed: number;
  readonly total: number;
};

/**
 * The quality score: passed checks over all checks kept for the snapshot, by the contract's weights (1 unless said). Only `passed`
 * counts; a warning, a skip or an error weighs like a failure. Weights are added in thousandths, so that the sum does not depend
 * on the order of the checks.
 */
export function scoreOf(checks: readonly CheckFact[], weights: Readonly<Record<string, number>>): Score {
  let passed = 0;
  let passedWeight = 0;
  let totalWeight = 0;
  for (const check of checks) {
    const weight = Math.max(1, Math.round((Object.hasOwn(weights, check.name) ? (weights[check.name] ?? 1) : 1) * 1000));
    totalWeight += weight;
    if (check.status !== 'passed') continue;
    passedWeight += weight;
    passed += 1;
  }
  return { value: totalWeight === 0 ? null : passedWeight / totalWeight, passed, total: checks.length };
}
