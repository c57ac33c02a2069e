import type { RunControlWrites } from '@govctl/core/run';
import type { WriteSql } from '../db/index.ts';

/** Locks that are held in the name of runs, and tenants that may run nothing. A fence only ever grows: with each new holder, and when one is broken. */
export const runControlWriteSql: Record<keyof RunControlWrites, WriteSql> = {
  'lock.keep': {
    sql: `INSERT INTO lock (lock_key, fence, holder, acquired_at, expires_at)
          SELECT :lock_key, :expected_fence + 1, :holder, :at, :expires_at
          WHERE :expected_fence = 0 OR EXISTS (SELECT 1 FROM lock WHERE lock_key = :lock_key)
          ON CONFLICT (lock_key) DO UPDATE SET fence = lock.fence + 1, holder = :holder, acquired_at = :at, expires_at = :expires_at
          WHERE lock.fence = :expected_fence AND (lock.holder IS NULL OR lock.expires_at <= :at)`,
    changes: 1,
    guard: 'lock-free',
  },
  'lock.prolong': {
    sql: 'UPDATE lock SET expires_at = :expires_at WHERE lock_key = :lock_key AND fence = :fence AND holder = :holder',
    changes: 1,
    guard: 'lock-mine',
  },
  'lock.give-back': {
    sql: `UPDATE lock SET holder = NULL, acquired_at = NULL, expires_at = NULL
          WHERE lock_key = :lock_key AND fence = :fence AND holder = :holder`,
    changes: 'any',
    guard: 'lock-mine',
  },
  'tenant.suspend': {
    sql: `INSERT INTO tenant_suspension (suspension_id, tenant_id, reason, suspended_at, suspended_by, evidence_ref)
          SELECT :suspension_id, :tenant_id, :reason, :suspended_at, :suspended_by, :evidence_ref
          WHERE NOT EXISTS (SELECT 1 FROM tenant_suspension WHERE tenant_id = :tenant_id AND resumed_at IS NULL)`,
    changes: 1,
    guard: 'tenant-not-suspended',
  },
  'tenant.resume': {
    sql: `UPDATE tenant_suspension SET resumed_at = :resumed_at, resumed_by = :resumed_by, resume_reason = :resume_reason
          WHERE suspension_id = :suspension_id AND resumed_at IS NULL`,
    changes: 1,
    guard: 'tenant-suspended',
  },
  'tenant.touch': { sql: 'UPDATE dataset SET revision = revision + 1 WHERE tenant_id = :tenant_id', changes: 'any', guard: 'tenant' },
  'trace.follow': {
    sql: {
      sqlite: `INSERT INTO run_trace (run_id, seq, kind, at, body)
          SELECT :run_id, t.key + 1, CASE WHEN t.key = 0 THEN 'start' WHEN t.value ->> 'phase' IN ('COMPLETED', 'FAILED') THEN 'end' ELSE 'step' END,
            t.value ->> 'at', t.value
          FROM json_each(:state, '$.phases') AS t WHERE t.key >= coalesce((SELECT max(seq) FROM run_trace WHERE run_id = :run_id), 0)`,
      postgres: `INSERT INTO run_trace (run_id, seq, kind, at, body)
          SELECT :run_id, t.n, CASE WHEN t.n = 1 THEN 'start' WHEN t.value ->> 'phase' IN ('COMPLETED', 'FAILED') THEN 'end' ELSE 'step' END,
            t.value ->> 'at', CAST(t.value AS text)
          FROM json_array_elements(CAST(:state AS json) -> 'phases') WITH ORDINALITY AS t(value, n)
          WHERE t.n > coalesce((SELECT max(seq) FROM run_trace WHERE run_id = :run_id), 0)`,
    },
    changes: 'any',
    guard: 'trace-written',
  },
  'lock.break': {
    sql: `UPDATE lock SET fence = fence + 1, holder = NULL, acquired_at = NULL, expires_at = NULL
          WHERE lock_key = :lock_key AND fence = :expected_fence AND holder IS NOT NULL`,
    changes: 1,
    guard: 'lock-held',
  },
};
