import type { EventWrites } from '@govctl/core/event';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of the dispatcher. */
export const eventWriteSql: Record<keyof EventWrites, WriteSql> = {
  'lease.hold': {
    sql: `INSERT INTO lease (lease_name, fence, holder, expires_at) VALUES (:lease_name, 1, :holder, :expires_at)
          ON CONFLICT (lease_name) DO UPDATE
          SET fence = lease.fence + (CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END), holder = excluded.holder, expires_at = excluded.expires_at
          WHERE lease.holder = excluded.holder OR lease.expires_at <= :at`,
    changes: 1,
    guard: 'lease-is-mine',
  },
  // One writer commits at a time here, so outbox ids are in commit order and what is above the last dispatched one is what is left.
  'outbox.dispatch': {
    sql: `INSERT INTO outbox_position (first_position, outbox_id, event_count)
          SELECT mark.next + sum(fresh.event_count) OVER (ORDER BY fresh.outbox_id) - fresh.event_count, fresh.outbox_id, fresh.event_count
          FROM (SELECT coalesce(max(first_position + event_count), 1) AS next, coalesce(max(outbox_id), 0) AS outbox_id
                FROM (SELECT first_position, event_count, outbox_id FROM outbox_position ORDER BY first_position DESC LIMIT 1)) AS mark
          JOIN outbox AS fresh ON fresh.outbox_id > mark.outbox_id
          ORDER BY fresh.outbox_id LIMIT :limit`,
    changes: 'any',
    guard: 'outbox',
  },
};
