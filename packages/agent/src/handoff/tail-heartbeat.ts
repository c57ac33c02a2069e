import { staleAfterMs } from '@govctl/core/handoff';
import type { SqliteTailSession } from './tail-session.ts';

/** Says that the loop is cycling; and of a silence, once, when it is over. `settled`: nothing is left to read. */
export function beat(session: SqliteTailSession, fence: number, settled: boolean): void {
  const now = session.now();
  const cursors = session.cursors();
  const polled = cursors.map((cursor) => cursor.last_poll_at).sort()[0] ?? null;
  const told = cursors.find((cursor) => cursor.stale_since !== null)?.stale_since ?? null;
  const silent = polled !== null && Date.parse(now) - Date.parse(polled) > staleAfterMs;
  if (told === null && silent) say(session, 'handoff.stale', { last_poll_at: polled });
  if (told !== null || silent) say(session, 'handoff.recovered', { stale_since: told ?? polled });
  session.run('UPDATE handoff_cursor SET last_poll_at = :now, stale_since = NULL WHERE fence = :fence', { now, fence });
  if (settled) session.run('UPDATE handoff_cursor SET last_settled_at = :now WHERE fence = :fence', { now, fence });
}

function say(session: SqliteTailSession, type: 'handoff.stale' | 'handoff.recovered', data: Readonly<Record<string, unknown>>): void {
  const { now, environment } = session;
  const scope = { tenant_id: 'default', dataset_id: null, layer: null, run_id: null };
  const event = { type, subject: 'handoff', time: now(), ...scope, environment, data };
  session.run('INSERT INTO outbox (committed_at, event_count, events) VALUES (:now, 1, :events)', {
    now: now(),
    events: JSON.stringify([event]),
  });
}
