import type { ExplanationDocument } from '@govctl/core/decision';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { answerLines, nextLines, verdictText } from './gate-answer.ts';
import { sayingText } from './promotion.ts';
import { pairs } from './text.ts';

/** Why, and why not: what blocks first, then what only warns, then the rest. */
export function explanationTable(document: Document, paint: Paint): string {
  const explanation = document as unknown as ExplanationDocument;
  const { subject, run_id, phase, status } = explanation;
  const sections = [
    ['denied by', explanation.denied_by],
    ['waits for', explanation.waiting_on],
    ['warns', explanation.warnings],
    ['passes', explanation.passed],
    ['not asked', explanation.not_required],
  ] as const;
  return [
    `${verdictText(explanation.decision, run_id === null, paint)}: ${explanation.summary}\n`,
    pairs(
      [
        ...(run_id === null ? ([['asked', 'now; nothing was recorded']] as const) : ([['run', `${run_id}, ${phase}/${status}`]] as const)),
        ['snapshot', subject.snapshot_id],
        ['tenant', subject.tenant_id],
        ['decided by', explanation.decided_by],
        ...(explanation.approvals ?? []).map((said) => [said.verdict === 'reject' ? 'rejected' : 'approved', sayingText(said)] as const),
        ...(explanation.lesson == null
          ? []
          : ([['lesson', `${explanation.lesson.cause}; next: ${explanation.lesson.next_action}`]] as const)),
        ...(explanation.incident_id == null ? [] : ([['incident', explanation.incident_id]] as const)),
        ...(explanation.next_eligible_at === null ? [] : ([['asked again', explanation.next_eligible_at]] as const)),
      ],
      paint,
    ),
    ...sections.map(([name, answers]) =>
      answers.length === 0 ? '' : `${paint.strong(`${name} (${answers.length})`)}\n${answerLines(answers, paint, { full: true })}`,
    ),
    nextLines(explanation.next, paint),
  ].join('');
}
