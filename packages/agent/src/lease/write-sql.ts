import type { LeaseWrites } from '@govctl/core/lease';
import type { WriteSql } from '../db/index.ts';

/** The one lease port: tail aside, which has its lease in its cursors, every loop that writes holds one. */
export const leaseWriteSql: Record<keyof LeaseWrites, WriteSql> = {
  'lease.hold': {
    sql: `INSERT INTO lease (lease_name, fence, holder, expires_at) VALUES (:lease_name, 1, :holder, :expires_at)
          ON CONFLICT (lease_name) DO UPDATE
          SET fence = lease.fence + (CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END), holder = excluded.holder, expires_at = excluded.expires_at
          WHERE lease.holder = excluded.holder OR lease.expires_at <= :at OR lease.expires_at > :believed_until`,
    changes: 1,
    guard: 'lease-is-mine',
  },
  'lease.release': {
    sql: 'UPDATE lease SET expires_at = :at WHERE lease_name = :lease_name AND holder = :holder AND expires_at > :at',
    changes: 'any',
    guard: 'lease',
  },
};
