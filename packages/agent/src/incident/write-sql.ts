import type { IncidentWrites } from '@govctl/core/incident';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of incidents. */
export const incidentWriteSql: Record<keyof IncidentWrites, WriteSql> = {
  'incident.open': {
    sql: `INSERT INTO incident (incident_id, run_id, tenant_id, dataset_id, kind, run_status, error_code, severity, reason, opened_at)
          VALUES (:incident_id, :run_id, :tenant_id, :dataset_id, :kind, :run_status, :error_code, :severity, :reason, :opened_at)
          ON CONFLICT (incident_id) DO NOTHING`,
    changes: 'any',
    guard: 'incident-is-new',
  },
  'incident.resolve': {
    sql: `UPDATE incident SET resolved_at = :resolved_at, resolved_by = :resolved_by, resolve_reason = :resolve_reason
          WHERE incident_id = :incident_id AND resolved_at IS NULL`,
    changes: 1,
    guard: 'incident-open',
  },
};
