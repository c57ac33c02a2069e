import type { RunControlWrites } from '@govctl/core/run';
import type { WriteSql } from '../db/index.ts';

/** Locks that are held in the name of runs. A fence only ever grows: with each new holder, and when a holder is broken. */
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
  'lock.break': {
    sql: `UPDATE lock SET fence = fence + 1, holder = NULL, acquired_at = NULL, expires_at = NULL
          WHERE lock_key = :lock_key AND fence = :expected_fence AND holder IS NOT NULL`,
    changes: 1,
    guard: 'lock-held',
  },
};
