import type { AlertWrites } from '@govctl/core/alert';
import type { WriteSql } from '../db/index.ts';

const upsert = 'ON CONFLICT (tenant_id, alert_key) DO UPDATE SET state = excluded.state, busy = excluded.busy, body = excluded.body';

/** One statement per write about alerts. */
export const alertWriteSql: Record<keyof AlertWrites, WriteSql> = {
  'alert.tenant': {
    sql: `INSERT INTO alert_tenant (tenant_id, revision, body) VALUES (:tenant_id, 1, :body)
          ON CONFLICT (tenant_id) DO UPDATE SET revision = alert_tenant.revision + 1, body = excluded.body
          WHERE alert_tenant.revision = :expected_revision`,
    changes: 1,
    guard: 'alerts-of-tenant',
  },
  'alert.put': {
    sql: {
      sqlite: `INSERT INTO alert (tenant_id, alert_key, state, busy, body)
          SELECT :tenant_id, value ->> 'alert_key', value ->> 'state', value ->> 'busy', value ->> 'body' FROM json_each(:rows) WHERE true ${upsert}`,
      postgres: `INSERT INTO alert (tenant_id, alert_key, state, busy, body)
          SELECT :tenant_id, alert_key, state, busy, body
          FROM json_to_recordset(CAST(:rows AS json)) AS r(alert_key text, state text, busy bigint, body text) ${upsert}`,
    },
    changes: 'any',
    guard: 'none',
  },
  'alert.drop': {
    sql: {
      sqlite: 'DELETE FROM alert WHERE tenant_id = :tenant_id AND alert_key IN (SELECT value FROM json_each(:keys))',
      postgres:
        'DELETE FROM alert WHERE tenant_id = :tenant_id AND alert_key IN (SELECT value FROM json_array_elements_text(CAST(:keys AS json)))',
    },
    changes: 'any',
    guard: 'none',
  },
};
