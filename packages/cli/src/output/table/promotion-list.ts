import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';

export function promotionListTable(document: Document, paint: Paint): string {
  const { items, next_cursor } = document as unknown as RouteResponse<RouteList['promotion.ls']>;
  if (items.length === 0) return 'none\n';
  const rows = items.map((item) => [
    item.run_id,
    item.run_kind,
    item.tenant_id,
    item.dataset_id,
    item.from_layer === null || item.from_layer === item.to_layer ? item.to_layer : `${item.from_layer} -> ${item.to_layer}`,
    item.snapshot_id,
    item.phase,
    item.status,
    item.decision,
    item.created_at,
    item.next_eligible_at,
  ]);
  const columns = ['run_id', 'kind', 'tenant', 'dataset', 'layers', 'snapshot', 'phase', 'status', 'decision', 'created', 'asked again'];
  return `${grid(columns, rows, paint)}${next_cursor === null ? '' : `more: --cursor ${next_cursor}\n`}`;
}
