import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';

/** One line a replay: what it runs, how far it is, what it restored. */
export function replayListTable(document: Document, paint: Paint): string {
  const { items } = document as unknown as RouteResponse<RouteList['handoff.replay-list']>;
  if (items.length === 0) return 'none\n';
  return grid(
    ['replay_id', 'status', 'source', 'range', 'object', 'rows', 'restored', 'held', 'started', 'by'],
    items.map((item) => [
      item.replay_id,
      item.status,
      item.source,
      `${item.from_id}-${item.to_id}`,
      item.object_key ?? '',
      `${item.rows_read} of ${item.rows_total}`,
      item.mended.candidates + item.mended.events + item.mended.changes,
      item.held_rows,
      item.started_at,
      item.started_by,
    ]),
    paint,
  );
}
