import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { answerLines } from './gate-answer.ts';
import { pairs } from './text.ts';

/** What blocks and how it is mended, then the verdict: one word a dimension. */
export function preflightTable(document: Document, paint: Paint): string {
  const { action, object_key, decision, gates, dimensions, dry_run, decision_ref, as_of, parity } = document as unknown as RouteResponse<
    RouteList['preflight.run']
  >;
  const words = Object.entries(dimensions).map(([name, verdict]): [string, string] => [name, verdict]);
  const verdict = decision === 'allow' ? paint.good('allowed') : paint.bad('denied');
  return [
    `${action} ${object_key}: ${verdict}${dry_run ? ' (dry run: nothing was recorded)' : ''}\n`,
    pairs(words, paint),
    answerLines(gates, paint, { full: false }),
    pairs(
      [
        ['judged as of', as_of],
        ...(decision_ref === undefined ? [] : [['decision_ref', decision_ref] as [string, string]]),
        ...(parity === undefined ? [] : [['parity', [parity.tag, ...parity.differs].join(' ')] as [string, string]]),
      ],
      paint,
    ),
  ].join('');
}
