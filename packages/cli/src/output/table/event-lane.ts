import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';

export function eventLaneListTable(document: Document, paint: Paint): string {
  const { head, items, parked } = document as unknown as RouteResponse<RouteList['event.lanes']>;
  const lanes = items.map((item) => [
    item.lane,
    item.consumer,
    String(item.position),
    String(item.behind),
    String(item.waiting),
    String(item.dead),
    item.heartbeat_at ?? item.moved_at,
  ]);
  const aside = parked.map((row) => [
    row.event_id,
    `${row.lane}/${row.consumer}`,
    row.event_type,
    row.subject,
    row.state,
    String(row.attempts),
    row.state === 'dead'
      ? `govctl event redrive --lane ${row.lane} --id ${row.event_id}`
      : `next ${row.next_attempt_at ?? 'after an earlier one'}`,
    row.last_error,
  ]);
  return [
    `newest position: ${head}\n`,
    grid(['lane', 'consumer', 'position', 'behind', 'waiting', 'dead', 'last sign'], lanes, paint),
    aside.length === 0 ? '' : `\n${grid(['event', 'at', 'type', 'subject', 'state', 'attempts', 'fix', 'error'], aside, paint)}`,
  ].join('');
}
