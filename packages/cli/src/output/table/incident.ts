import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';

export function incidentListTable(document: Document, paint: Paint): string {
  const { items, next_cursor } = document as unknown as RouteResponse<RouteList['incident.ls']>;
  if (items.length === 0) return 'none\n';
  const rows = items.map((item) => [
    item.incident_id,
    item.severity,
    item.error_code,
    item.run_id ?? '(system)',
    item.dataset_id,
    item.opened_at,
    item.reason,
    item.resolved_at === null
      ? `govctl incident resolve ${item.incident_id} --reason TEXT`
      : `resolved ${item.resolved_at} by ${item.resolved_by}: ${item.resolve_reason}`,
  ]);
  const columns = ['incident', 'severity', 'code', 'run', 'dataset', 'opened', 'reason', 'fix'];
  return `${grid(columns, rows, paint)}${next_cursor === null ? '' : `more: --cursor ${next_cursor}\n`}`;
}
