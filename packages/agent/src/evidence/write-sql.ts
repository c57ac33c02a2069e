import type { EvidenceWrites } from '@govctl/core/evidence';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of evidence access. */
export const evidenceWriteSql: Record<keyof EvidenceWrites, WriteSql> = {
  'capability.use': {
    sql: `INSERT INTO capability_use (jti, ref, actor_id, used_at, expires_at)
          VALUES (:jti, :ref, :actor_id, :used_at, :expires_at) ON CONFLICT DO NOTHING`,
    changes: 1,
    guard: 'capability-is-unused',
  },
  'capability.forget': { sql: 'DELETE FROM capability_use WHERE expires_at < :before', changes: 'any', guard: 'none' },
};
