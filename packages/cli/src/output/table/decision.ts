import { addressed, type DecisionDocument, exceptionText } from '@govctl/core/decision';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { answerLines, countText, nextLines, verdictText } from './gate-answer.ts';
import { skippedPairs } from './skipped.ts';
import { pairs } from './text.ts';

/** A decision: the verdict, every gate and rule, how it was reached, and what to do about it. */
export function decisionTable(document: Document, paint: Paint): string {
  const decision = document as unknown as DecisionDocument;
  const { subject, gates, explanation, parity, waiting_on, job } = decision;
  const answers =
    explanation === undefined ? addressed(gates, { ...subject, run_id: decision.run_id }) : withQuestions(decision, explanation);
  return [
    `${verdictText(decision.decision, decision.dry_run, paint)}: ${subject.dataset_id} ${subject.from_layer} -> ${subject.to_layer}, snapshot ${subject.snapshot_id}`,
    exceptionText(decision.exceptions) === '' ? '' : ` (with ${exceptionText(decision.exceptions)})`,
    `${decision.dry_run ? ' (dry run: nothing was written)' : ''}\n`,
    answerLines(answers, paint, { full: explanation !== undefined, dry_run: decision.dry_run ? decision.run_id : undefined }),
    pairs(
      [
        ['gates', countText(gates)],
        ...(waiting_on === undefined ? [] : ([['waits for', waiting_on]] as const)),
        ...(decision.next_eligible_at === undefined ? [] : ([['asked again', decision.next_eligible_at]] as const)),
        ['run_id', decision.run_id],
        ...(job === undefined ? [] : jobPairs(job)),
        ['tenant', subject.tenant_id],
        ['snapshot hash', subject.snapshot_hash],
        ['policy_rev', decision.policy_rev ?? 'no policy set is active'],
        ['decided', `by ${decision.decided_by}, kernel ${decision.kernel_version}`],
        ['valid', `${decision.valid_from} to ${decision.valid_until}`],
        ['input', decision.input_digest],
        ['decision', decision.decision_digest],
        ...(decision.decision_ref === undefined ? [] : ([['decision_ref', decision.decision_ref]] as const)),
        ...(parity === undefined ? [] : ([['parity', parityText(parity)]] as const)),
      ],
      paint,
    ),
    explanation === undefined ? '' : nextLines(explanation.next, paint),
  ].join('');
}

function jobPairs({
  workspace,
  starts,
  steps,
  checks,
  skips,
  next_action,
}: NonNullable<DecisionDocument['job']>): [string, string | string[]][] {
  const unmet = checks.filter(({ ok }) => !ok).map(({ name, detail, fix }) => `${name}: ${detail}${fix === null ? '' : `; fix: ${fix}`}`);
  return [
    ['job', `${starts ? 'would start' : 'would not start'} in ${workspace}: ${steps.join(', ')}`],
    ...(unmet.length === 0 ? [] : ([['job needs', unmet]] as [string, string[]][])),
    ...skippedPairs(skips),
    ...(next_action === null ? [] : ([['job next', next_action]] as [string, string][])),
  ];
}

function withQuestions({ gates }: DecisionDocument, explanation: NonNullable<DecisionDocument['explanation']>) {
  const { denied_by, waiting_on, warnings, passed, not_required } = explanation;
  const asked = new Map([denied_by, waiting_on, warnings, passed, not_required].flat().map((answer) => [answer.code, answer]));
  return gates.map((gate) => asked.get(gate.code) ?? gate);
}

function parityText({ tag, differs }: NonNullable<DecisionDocument['parity']>): string {
  return tag === 'exact' ? 'exact: govd decided the same, digest for digest' : `${tag}: ${differs.join(', ')}`;
}
