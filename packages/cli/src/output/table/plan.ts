import { addressed, type Moved } from '@govctl/core/decision';
import type { Plan } from '@govctl/core/promotion';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { answerLines, countText, verdictText } from './gate-answer.ts';
import { grid } from './grid.ts';
import { pairs } from './text.ts';

type PlanReport = Omit<Plan, 'facts'> & { readonly stale: boolean | null; readonly moved: readonly Moved[] };

/** A plan: whether it is still good, what it would do, and what moved since. */
export function planReportTable(document: Document, paint: Paint): string {
  const { made_at, request, decision, stale, moved, snapshot, active, policy_rev, input_digest } = document as unknown as PlanReport;
  const { dataset_id, from_layer, to_layer, run_id } = request;
  const state = stale === null ? paint.wait('not compared') : stale ? paint.bad('STALE') : paint.good('still good');
  return [
    `${state}: plan of ${made_at}, ${dataset_id} ${from_layer} -> ${to_layer}\n`,
    ...(moved.length === 0
      ? []
      : [
          grid(
            ['moved', 'when planned', 'now'],
            moved.map(({ what, before, after }) => [what, before, after]),
            paint,
          ),
        ]),
    `${verdictText(decision.decision, true, paint)} then\n`,
    answerLines(
      addressed(decision.gates, { ...decision.subject, run_id }).filter(({ outcome }) => outcome === 'fail' || outcome === 'defer'),
      paint,
      { full: false },
    ),
    pairs(
      [
        ['gates', countText(decision.gates)],
        ['run_id', run_id],
        ['snapshot', `${snapshot.snapshot_id} ${snapshot.snapshot_hash ?? '(unknown)'}`],
        ['generation', `${from_layer} ${active.from ?? 'none'}, ${to_layer} ${active.to ?? 'none'}`],
        ['policy_rev', policy_rev ?? 'no policy set is active'],
        ['input', input_digest],
      ],
      paint,
    ),
  ].join('');
}
