import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';

export function alertListTable(document: Document, paint: Paint): string {
  const { items, suppressed, overflow, sent_last_hour, per_hour } = document as unknown as RouteResponse<RouteList['alert.ls']>;
  const rows = items.map((item) => [
    item.alert_key,
    item.severity,
    item.state,
    item.last_at,
    String(item.occurrences),
    toldOf(item),
    reasons(item.suppressed),
    item.summary,
    item.state === 'firing' ? item.fix : item.resolved_why,
  ]);
  const columns = ['alert', 'severity', 'state', 'last', 'times', 'told', 'suppressed', 'what', 'fix'];
  const quiet = reasons(suppressed);
  return [
    items.length === 0 ? 'nothing fires\n' : grid(columns, rows, paint),
    `told: ${sent_last_hour} of at most ${per_hour} in the last hour\n`,
    `suppressed: ${quiet === '' ? 'nothing' : quiet}\n`,
    overflow === 0 ? '' : `not listed: ${overflow} firings of further alerts; there are too many at once\n`,
  ].join('');
}

type Item = RouteResponse<RouteList['alert.ls']>['items'][number];

function toldOf({ told, owed, held, silence, last_error }: Item): string {
  if (silence !== null) return `silenced until ${silence.until} by ${silence.by}: ${silence.reason}`;
  if (held !== null) return `nobody yet: ${held}`;
  if (owed.length > 0) return `owed to ${owed.join(', ')}${last_error === null ? '' : `: ${last_error}`}`;
  return told.join(', ');
}

const reasons = (suppressed: Readonly<Record<string, number>>) =>
  Object.entries(suppressed)
    .map(([reason, times]) => `${reason} ${times}`)
    .join(', ');
