import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { answerLines, verdictText } from './gate-answer.ts';
import { grid } from './grid.ts';
import { pairs } from './text.ts';

/** What blocks and how it is mended, then what it was decided from. */
export function candidateDecisionTable(document: Document, paint: Paint): string {
  const { object_key, decision, dry_run, already, gates, ...rest } = document as unknown as RouteResponse<RouteList['candidate.activate']>;
  const verdict = already ? paint.good('activated already') : verdictText(decision, dry_run, paint);
  const rows: [string, string][] = [
    ['born', rest.born_at ?? ''],
    ['decision', rest.decision_digest],
    ['decision_ref', rest.decision_ref ?? ''],
    ['evidence', rest.leaf_index === undefined ? '' : `leaf ${rest.leaf_index} of ${rest.tree_size}`],
  ];
  return [
    `activation of ${object_key}: ${verdict}${dry_run ? ' (dry run: nothing was recorded)' : ''}\n`,
    answerLines(gates, paint, { full: false }),
    pairs(
      rows.filter(([, value]) => value !== ''),
      paint,
    ),
  ].join('');
}

/** One line a row, named as retry and discard take it; what only waits is mended with what it waits for. */
export function quarantineListTable(document: Document, paint: Paint): string {
  const { items, counts, next_cursor } = document as unknown as RouteResponse<RouteList['handoff.quarantine-list']>;
  const rows = items.map((item) => {
    const row = `${item.source}/${item.id}`;
    return [
      row,
      item.object_key ?? '',
      item.state,
      item.error,
      item.attempts,
      item.last_attempt_at ?? item.first_seen_at,
      item.state === 'faulty'
        ? `govctl handoff quarantine retry ${row} --reason TEXT`
        : item.resolved_at === null
          ? ''
          : `${item.resolved_at}${item.resolved_by === null ? '' : ` by ${item.resolved_by}`}${item.reason === null ? '' : `: ${item.reason}`}`,
    ];
  });
  const list = items.length === 0 ? 'none\n' : grid(['row', 'object', 'state', 'error', 'attempts', 'last tried', 'fix'], rows, paint);
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  return [
    list,
    ...(told.length === 0 ? [] : [`${told.map(([state, count]) => `${count} ${state}`).join(', ')}\n`]),
    ...(next_cursor === null ? [] : [`more: --cursor ${next_cursor}\n`]),
  ].join('');
}
