import type { AuditWrites } from '@govctl/core/audit';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of the audit contract. */
export const auditWriteSql: Record<keyof AuditWrites, WriteSql> = {
  'audit-finding.insert': {
    sql: `INSERT INTO audit_finding (run_id, class, domain, action, detail, found_at)
          VALUES (:run_id, :class, :domain, :action, :detail, :found_at)
          ON CONFLICT (run_id, class, domain, action) DO NOTHING`,
    changes: 1,
    guard: 'finding-is-new',
  },
  'audit-ack.insert': {
    sql: `INSERT INTO audit_ack (run_id, domain, action, result_id, status, rollback_reason, metadata, at)
          VALUES (:run_id, :domain, :action, :result_id, :status, :rollback_reason, :metadata, :at)`,
    changes: 1,
    guard: 'ack-is-new',
  },
  'reconcile-report.insert': {
    sql: `INSERT INTO reconcile_report (digest, as_of, clean, findings, by_class, checked, evidence_ref)
          SELECT :digest, :as_of, :clean, :findings, :by_class, :checked, :evidence_ref
          WHERE NOT EXISTS (SELECT 1 FROM reconcile_report WHERE as_of >= :as_of)`,
    changes: 1,
    guard: 'report-is-newest',
  },
};
