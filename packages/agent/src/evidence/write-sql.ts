import type { EvidenceWrites } from '@govctl/core/evidence';
import { listed, type WriteSql } from '../db/index.ts';

const isLive = 'EXISTS (SELECT 1 FROM capability c WHERE c.jti = :jti AND c.revoked_at IS NULL)';

/** Announced, and of no dataset on hold; the triggers of both tables ask the same. */
const mayGo = `leaf_index IN (
  SELECT i.leaf_index FROM disposition_item i JOIN record r ON r.leaf_index = i.leaf_index
  WHERE i.disposition_id = :disposition_id AND i.leaf_index > :after AND i.leaf_index <= :upto
    AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.tenant_id = r.tenant_id AND h.dataset_id = r.dataset_id AND h.lifted_at IS NULL))`;

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
  'disposition.announce': {
    sql: `INSERT INTO disposition (number, disposition_id, rule, records, bytes, refs_digest, evidence_ref, reason, announced_at, announced_by)
          SELECT CAST(:number AS BIGINT), :disposition_id, :rule, CAST(:records AS BIGINT), CAST(:bytes AS BIGINT), :refs_digest, :evidence_ref,
            :reason, :announced_at, :announced_by
          WHERE (SELECT coalesce(max(number), 0) FROM disposition) = CAST(:number AS BIGINT) - 1 ON CONFLICT DO NOTHING`,
    changes: 1,
    guard: 'no-other-disposition',
  },
  'disposition.list': {
    sql: {
      sqlite: `INSERT INTO disposition_item (leaf_index, disposition_id) SELECT CAST(value AS INTEGER), :disposition_id FROM json_each(:leaves)`,
      postgres: `INSERT INTO disposition_item (leaf_index, disposition_id)
        SELECT CAST(value AS bigint), :disposition_id FROM json_array_elements_text(CAST(:leaves AS json))`,
    },
    changes: 'any',
    guard: 'none',
  },
  'payload.erase': { sql: `DELETE FROM record_payload WHERE ${mayGo}`, changes: 'any', guard: 'none' },
  'facts.erase': { sql: `DELETE FROM decision_facts WHERE ${mayGo}`, changes: 'any', guard: 'none' },
  'capability-use.forget': { sql: 'DELETE FROM capability_use WHERE expires_at < :before', changes: 'any', guard: 'none' },
};
