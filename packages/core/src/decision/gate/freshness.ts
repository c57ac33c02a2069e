import { durationMs } from '../../policy/duration.ts';
import type { CheckFact } from '../../quality/check.ts';
import { defer, evidence, type Gate, noContract, notRequired, pass } from '../gate.ts';

/** How far another clock may run ahead of ours. */
const skewMs = 5 * 60_000;

/** Old evidence is not wrong, it is only no longer enough: this gate defers. A check's age counts from its own run time. */
export const freshnessGate: Gate = {
  code: 'freshness',
  asks: 'Is the evidence younger than the contract allows, and not from the future?',
  otherwise: 'defer',
  judge(input, now) {
    const { bundle, bundle_digest, checks, facts, gate_set } = input;
    if (gate_set === 'rollback') return notRequired('a rollback restores a version whose evidence was judged before', 'rollback');
    if (facts.contract === null) return noContract(input);
    const { max_evidence_age: limit } = facts.contract.body;
    const maxMs = durationMs(limit);
    const again = {
      who: 'whoever tests the data',
      command: `govctl quality import dbt run_results.json --snapshot ${facts.request.snapshot_id}`,
    };
    if (checks.length === 0) {
      return defer({
        reason_code: 'evidence-none',
        reason: 'there is no evidence whose age could be told',
        expected: `younger than ${limit}`,
        actual: null,
        resolve: again,
      });
    }
    const undated = checks.filter((check) => check.ran_at === null);
    const [nameless] = undated;
    if (nameless !== undefined) {
      return defer({
        reason_code: 'evidence-undated',
        reason: `${named(undated)} does not say when it ran`,
        expected: `younger than ${limit}`,
        actual: null,
        evidence: [evidence(`check:${nameless.name}`, nameless.source_digest, null, now)],
        resolve: again,
      });
    }
    const times = checks.map((check) => ({ check, ms: Date.parse(check.ran_at ?? '') }));
    const submitted = bundle_digest === null || bundle.timestamp === undefined ? Number.NaN : Date.parse(bundle.timestamp);
    const latest = times.reduce((most, { ms }) => Math.max(most, ms), Number.isNaN(submitted) ? 0 : submitted);
    if (latest > now.ms + skewMs) {
      return defer({
        reason_code: 'evidence-from-the-future',
        reason: 'the evidence carries a time that has not come yet',
        expected: `not after ${isoAt(now.ms + skewMs)}`,
        actual: isoAt(latest),
        resolve: { who: 'whoever runs the clock of the test host', command: 'govctl doctor' },
        next_eligible_at: isoAt(latest - skewMs),
        // A time that cannot be true is no matter of age.
        waivable: false,
      });
    }
    const stale = times.filter(({ ms }) => now.ms - ms > maxMs).map(({ check }) => check);
    const [oldest] = stale.toSorted((a, b) => ((a.ran_at ?? '') < (b.ran_at ?? '') ? -1 : 1));
    if (oldest !== undefined) {
      return defer({
        reason_code: 'evidence-stale',
        reason: `${named(stale)} ran longer ago than the contract allows`,
        expected: `younger than ${limit}`,
        actual: oldest.ran_at,
        evidence: stale.slice(0, 20).map((check) => evidence(`check:${check.name}`, check.source_digest, check.ran_at, now)),
        resolve: again,
      });
    }
    if (now.ms - submitted > maxMs) {
      return defer({
        reason_code: 'bundle-stale',
        reason: 'the submitted bundle is older than the contract allows',
        expected: `younger than ${limit}`,
        actual: bundle.timestamp ?? null,
        evidence: [evidence('bundle', bundle_digest, bundle.timestamp ?? null, now)],
        resolve: {
          who: 'whoever submits',
          command: `govctl promote ${facts.request.dataset_id} --from ${facts.request.from_layer} --to ${facts.request.to_layer} --snapshot ${facts.request.snapshot_id} --evidence bundle.json`,
        },
      });
    }
    return pass('all evidence is fresh', `younger than ${limit}`, isoAt(times.reduce((least, { ms }) => Math.min(least, ms), now.ms)));
  },
};

function isoAt(ms: number): string {
  return new Date(ms).toISOString();
}

function named(checks: readonly CheckFact[]): string {
  const [first] = checks;
  return checks.length === 1 ? (first?.name ?? '') : `${first?.name} and ${checks.length - 1} more`;
}
