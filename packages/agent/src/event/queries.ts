import { query } from '../db/index.ts';

/** The newest position given, 0 before the first; and how many events wait for theirs. */
const headAnd = (waiting: string) => `SELECT coalesce(max(mark.head), 0) AS head,
          ${waiting} AS waiting_rows
   FROM (SELECT first_position + event_count - 1 AS head, outbox_id FROM outbox_position ORDER BY first_position DESC LIMIT 1) AS mark`;
export const eventHead = query<Record<never, never>, { head: number; waiting_rows: number }>('event head', {
  sqlite: headAnd('(SELECT coalesce(max(outbox_id), 0) FROM outbox) - coalesce(max(mark.outbox_id), 0)'),
  postgres: headAnd('(SELECT count(*) FROM outbox_waiting)'),
});

export type OutboxRow = { first_position: number; event_count: number; outbox_id: number; events: string };

/** Whole outbox rows from the one that holds a position: as many as fit the budget of bytes, and one in any case. */
export const eventRows = query<{ from: number; bytes: number }, OutboxRow>(
  'event rows',
  `SELECT first_position, event_count, outbox_id, events FROM (
     SELECT p.first_position, p.event_count, o.outbox_id, o.events,
            sum(octet_length(o.events)) OVER (ORDER BY p.first_position) - octet_length(o.events) AS before
     FROM (SELECT first_position, event_count, outbox_id FROM outbox_position
           WHERE first_position >= (SELECT coalesce(max(first_position), 0) FROM outbox_position WHERE first_position <= :from)
           ORDER BY first_position LIMIT 256) AS p
     JOIN outbox AS o ON o.outbox_id = p.outbox_id) AS sized
   WHERE before = 0 OR before < :bytes
   ORDER BY first_position`,
);
