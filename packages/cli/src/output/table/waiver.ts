import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';

export function waiverListTable(document: Document, paint: Paint): string {
  const { items } = document as unknown as RouteResponse<RouteList['waiver.ls']>;
  if (items.length === 0) return 'none\n';
  const rows = items.map((item) => [
    item.waiver_id,
    item.state,
    item.rule,
    item.subject,
    item.expires_at,
    item.granted_by,
    item.reason,
    item.state === 'active'
      ? `govctl waiver revoke ${item.waiver_id} --reason TEXT`
      : item.revoked_at === null
        ? ''
        : `revoked ${item.revoked_at} by ${item.revoked_by}: ${item.revoke_reason}`,
  ]);
  return grid(['waiver', 'state', 'rule', 'subject', 'expires', 'by', 'reason', 'fix'], rows, paint);
}
