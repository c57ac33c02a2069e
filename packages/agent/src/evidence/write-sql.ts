import type { EvidenceWrites } from '@govctl/core/evidence';
import { listed, type WriteSql } from '../db/index.ts';

const isLive = 'EXISTS (SELECT 1 FROM capability c WHERE c.jti = :jti AND c.revoked_at IS NULL)';

/** One statement per write of evidence access. */
export const evidenceWriteSql: Record<keyof EvidenceWrites, WriteSql> = {
  'capability.issue': {
    sql: `INSERT INTO capability (jti, ref, tenant_id, dataset_id, actor_id, resolution_ref, issued_at, expires_at)
          VALUES (:jti, :ref, :tenant_id, :dataset_id, :actor_id, :resolution_ref, :issued_at, :expires_at)`,
    changes: 1,
    guard: 'capability-is-new',
  },
  'capability.use': {
    sql: `INSERT INTO capability_use (jti, ref, actor_id, used_at, expires_at)
          SELECT jti, ref, actor_id, CAST(:used_at AS TEXT), expires_at FROM capability WHERE jti = :jti AND revoked_at IS NULL
          ON CONFLICT DO NOTHING`,
    changes: 1,
    guard: 'capability-is-unused',
  },
  'capability.resume': {
    sql: `UPDATE capability_use SET resumed = resumed + 1
          WHERE jti = :jti AND resumed < :most AND expires_at > :now AND ${isLive}`,
    changes: 1,
    guard: 'lease-is-open',
  },
  'capability.revoke': {
    sql: listed(
      'jtis',
      (jtis) => `UPDATE capability SET revoked_at = :revoked_at, revoked_by = :revoked_by WHERE jti IN (${jtis}) AND revoked_at IS NULL`,
    ),
    changes: 'any',
    guard: 'none',
  },
  'capability.forget': { sql: 'DELETE FROM capability WHERE expires_at < :before', changes: 'any', guard: 'none' },
  'capability-use.forget': { sql: 'DELETE FROM capability_use WHERE expires_at < :before', changes: 'any', guard: 'none' },
};
