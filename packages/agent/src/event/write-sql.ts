import type { EventWrites } from '@govctl/core/event';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of the dispatcher. */
export const eventWriteSql: Record<keyof EventWrites, WriteSql> = {
  // One writer commits at a time here, so outbox ids are in commit order and what is above the last dispatched one is what is left.
  'outbox.dispatch': {
    sql: {
      // Scalar subqueries, so that the planner starts at the mark: as a join it read the whole outbox every round.
      sqlite: `INSERT INTO outbox_position (first_position, outbox_id, event_count)
          SELECT coalesce((SELECT first_position + event_count FROM outbox_position ORDER BY first_position DESC LIMIT 1), 1)
                 + sum(event_count) OVER (ORDER BY outbox_id) - event_count, outbox_id, event_count
          FROM outbox
          WHERE outbox_id > coalesce((SELECT outbox_id FROM outbox_position ORDER BY first_position DESC LIMIT 1), 0)
          ORDER BY outbox_id LIMIT :limit`,
      // Several writers commit there, in an order that is not the one of ids: what waits is listed, and taken off the list here.
      postgres: `WITH taken AS (
            DELETE FROM outbox_waiting WHERE outbox_id IN (SELECT outbox_id FROM outbox_waiting ORDER BY outbox_id LIMIT :limit) RETURNING outbox_id
          )
          INSERT INTO outbox_position (first_position, outbox_id, event_count)
          SELECT coalesce((SELECT first_position + event_count FROM outbox_position ORDER BY first_position DESC LIMIT 1), 1)
                 + sum(o.event_count) OVER (ORDER BY o.outbox_id) - o.event_count, o.outbox_id, o.event_count
          FROM taken JOIN outbox o ON o.outbox_id = taken.outbox_id`,
    },
    changes: 'any',
    guard: 'outbox',
  },
};
