import { type AlertBody, alertChanges, noAlerts, type TenantAlerts, type TenantBody } from '@govctl/core/alert';
import type { Change } from '@govctl/core/journal';
import { type Database, listed, query } from '../db/index.ts';

const tenantRow = query<{ tenant_id: string }, { revision: number; body: string }>(
  'alerts of a tenant together',
  'SELECT revision, body FROM alert_tenant WHERE tenant_id = :tenant_id',
);
const alertRows = query<{ tenant_id: string }, { alert_key: string; body: string }>(
  'alerts of a tenant',
  'SELECT alert_key, body FROM alert WHERE tenant_id = :tenant_id',
);

/** Which of these keys fire: what does not needs no resolving. */
export const firingAmong = query<{ tenant_id: string; keys: string }, { alert_key: string }>(
  'firing alerts',
  listed('keys', (keys) => `SELECT alert_key FROM alert WHERE tenant_id = :tenant_id AND state = 'firing' AND alert_key IN (${keys})`),
);

export const busyTenants = query<Record<never, never>, { tenant_id: string }>(
  'tenants with busy alerts',
  'SELECT DISTINCT tenant_id FROM alert WHERE busy = 1',
);

export type StoredAlerts = TenantAlerts & {
  /** Guards each change of any of them. 0: the tenant has none yet. */
  readonly revision: number;
};

/** All alerts of a tenant: their number is bounded. */
export async function alertsOf(database: Database, tenant_id: string): Promise<StoredAlerts> {
  const [[tenant], rows] = await database.read([tenantRow({ tenant_id }), alertRows({ tenant_id })]);
  if (tenant === undefined) return { ...noAlerts, revision: 0 };
  return {
    revision: tenant.revision,
    tenant: JSON.parse(tenant.body) as TenantBody,
    alerts: new Map(rows.map(({ alert_key, body }) => [alert_key, JSON.parse(body) as AlertBody])),
  };
}

/** The changes that make the stored alerts what they are now. */
export function changesOf(tenant_id: string, before: StoredAlerts, after: TenantAlerts): readonly Change[] {
  return alertChanges(tenant_id, before.revision, before, after);
}
