import { staleAfterMs } from '@govctl/core/handoff';
import type { PostgresRun } from '../db/index.ts';
import type { SourceName } from './source.postgres.ts';
import type { HeldCursor } from './tail-alarm.postgres.ts';
import type { TailFences } from './tail-fence.postgres.ts';
import { leaseMs } from './tail-lease.postgres.ts';
import type { TailSources } from './tail-source.postgres.ts';
import { closeSql } from './tail-sql.postgres.ts';

type Closing = {
  readonly sources: TailSources;
  readonly fences: TailFences;
  readonly environment: string;
  readonly fence: number;
  readonly cursors: readonly HeldCursor[];
  readonly at: string;
  /** Read in part: more waits. */
  readonly full: ReadonlySet<SourceName>;
  /** Nothing of these is left to read. */
  readonly read: ReadonlySet<SourceName>;
};

/** The end of every transaction of the tail: heartbeat, and a silence told once, when it is over; the lease is renewed. */
export async function closeBatch(run: PostgresRun, closing: Closing): Promise<void> {
  const { sources, fences, environment, fence, cursors, at, full, read } = closing;
  const polled = cursors.map((cursor) => cursor.last_poll_at).sort()[0] ?? null;
  const told = cursors.find((cursor) => cursor.stale_since !== null)?.stale_since ?? null;
  const silent = polled !== null && Date.parse(at) - Date.parse(polled) > staleAfterMs;
  if (told === null && silent) await say(run, environment, 'handoff.stale', { last_poll_at: polled }, at);
  if (told !== null || silent) await say(run, environment, 'handoff.recovered', { stale_since: told ?? polled }, at);
  const sql = sources.text(`close ${[...full]} ${[...read]}`, () =>
    closeSql(
      [...full].map((name) => sources.sql[name]),
      [...read],
    ),
  );
  await run(sql, { at, ttl: leaseMs, fence });
  await fences.tell(run);
}

async function say(
  run: PostgresRun,
  environment: string,
  type: 'handoff.stale' | 'handoff.recovered',
  data: Readonly<Record<string, unknown>>,
  at: string,
): Promise<void> {
  const scope = { tenant_id: 'default', dataset_id: null, layer: null, run_id: null };
  const event = { type, subject: 'handoff', time: at, ...scope, environment, data };
  await run(
    `WITH o AS (INSERT INTO outbox (committed_at, event_count, events) VALUES (:at, 1, :events) RETURNING outbox_id)
       INSERT INTO outbox_waiting (outbox_id) SELECT outbox_id FROM o`,
    { at, events: JSON.stringify([event]) },
  );
}
