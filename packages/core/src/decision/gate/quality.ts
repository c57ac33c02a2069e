import type { CheckFact, CheckStatus } from '../../quality/check.ts';
import { evidence, fail, type Gate, noContract, notRequired, pass } from '../gate.ts';
import type { GateInput } from '../input.ts';

type Trouble = { readonly code: string; readonly text: string; readonly check?: CheckFact };

/** Not weak quality but evidence that lies or is about something else: nobody may set that aside. */
const integrity = new Set(['quality-wrong-snapshot', 'quality-contradicted', 'quality-score-differs']);

// Why a required check that did not pass did not pass. Exhaustive: a new status does not compile without its code.
const statusCodes: { readonly [S in Exclude<CheckStatus, 'passed'>]: string } = {
  failed: 'quality-failed',
  error: 'quality-error',
  skipped: 'quality-skipped',
  not_evaluated: 'quality-not-evaluated',
  warned: 'quality-warned',
};

/** Required checks are there by name and count and passed; the score is computed here, and a claim that differs is a lie. */
export const qualityGate: Gate = {
  code: 'quality',
  asks: 'Are the required checks present, once each and passed, and is the computed score high enough?',
  otherwise: 'deny',
  judge(input, now) {
    const { checks, facts, gate_set, score } = input;
    if (gate_set === 'rollback') return notRequired('a rollback restores a version whose quality was judged before', 'rollback');
    if (facts.contract === null) return noContract(input);
    const { min_quality_score: minimum } = facts.contract.body;
    const troubles = [...aboutTheWhole(input), ...aboutRequired(input, facts.contract.body.required_checks)];
    if (score.value !== null && score.value < minimum) {
      troubles.push({ code: 'quality-score-low', text: `the score ${shown(score.value)} is below ${minimum}` });
    }
    const [first] = troubles;
    if (first === undefined) {
      return pass(
        `${score.passed} of ${score.total} checks passed`,
        minimum,
        score.value,
        checks.slice(0, 20).map((check) => seen(check, now)),
      );
    }
    return fail({
      reason_code: first.code,
      reason:
        troubles
          .slice(0, 20)
          .map(({ text }) => text)
          .join('; ') + (troubles.length > 20 ? `; and ${troubles.length - 20} more` : ''),
      expected: `required checks passed, score >= ${minimum}`,
      actual: `${score.passed} of ${score.total} passed, score ${score.value === null ? 'none' : shown(score.value)}`,
      ...(troubles.some(({ code }) => integrity.has(code)) ? { waivable: false } : {}),
      evidence: troubles.flatMap(({ check }) => (check === undefined ? [] : [seen(check, now)])).slice(0, 20),
      resolve: {
        who: 'whoever tests the data',
        command: `govctl quality import dbt run_results.json --snapshot ${facts.request.snapshot_id}`,
      },
    });
  },
};

function aboutTheWhole({ bundle, bundle_digest, checks, contradicted, facts, score }: GateInput): Trouble[] {
  const troubles: Trouble[] = [];
  if (checks.length === 0) troubles.push({ code: 'quality-empty', text: 'no quality result is kept for the snapshot' });
  for (const check of checks) {
    if (check.snapshot_id !== facts.request.snapshot_id)
      troubles.push({ code: 'quality-wrong-snapshot', text: `${check.name} is about snapshot ${check.snapshot_id}`, check });
  }
  for (const name of contradicted)
    troubles.push({ code: 'quality-contradicted', text: `the bundle says otherwise of ${name} than what is stored` });
  const claimed = bundle_digest === null ? undefined : bundle.quality_score;
  if (claimed !== undefined && (score.value === null || Math.abs(claimed - score.value) > 1e-9)) {
    troubles.push({
      code: 'quality-score-differs',
      text: `the bundle claims ${claimed}, the checks give ${score.value === null ? 'none' : shown(score.value)}`,
    });
  }
  return troubles;
}

function aboutRequired({ checks }: GateInput, required: readonly string[]): Trouble[] {
  if (required.length === 0) return [];
  const byName = Map.groupBy(checks, (check) => check.name);
  const troubles: Trouble[] = [];
  for (const name of required) {
    const [check, second] = byName.get(name) ?? [];
    if (check === undefined) troubles.push({ code: 'quality-missing', text: `${name} is missing` });
    else if (second !== undefined) troubles.push({ code: 'quality-duplicate', text: `${name} occurs more than once`, check });
    else if (check.status !== 'passed') troubles.push({ code: statusCodes[check.status], text: `${name} is ${check.status}`, check });
  }
  return troubles;
}

function seen(check: CheckFact, now: Parameters<typeof evidence>[3]) {
  return evidence(`check:${check.name}`, check.source_digest, check.ran_at, now);
}

function shown(score: number): string {
  return String(Math.floor(score * 10_000) / 10_000);
}
