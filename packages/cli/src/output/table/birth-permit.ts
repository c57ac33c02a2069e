import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';

/** One line a permit: what it admits, and what is left of it. */
export function permitListTable(document: Document, paint: Paint): string {
  const { items } = document as unknown as RouteResponse<RouteList['birth.permit-list']>;
  if (items.length === 0) return 'none\n';
  return grid(
    ['permit_id', 'state', 'admits', 'births', 'issued', 'by', 'expires', 'recorded'],
    items.map((item) => [
      item.permit_id,
      item.state,
      item.permit_kind === 'single' ? `${item.object_type} ${item.object_key}` : `any, ${item.max_births ?? 'without limit'}`,
      item.birth_count,
      item.issued_at,
      item.issued_by,
      item.expires_at ?? '',
      item.evidence_ref === null ? 'not yet' : 'yes',
    ]),
    paint,
  );
}
