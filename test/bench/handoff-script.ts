import type { SqliteHandle } from '../../packages/agent/src/db/index.ts';

/** For empty tables and no others, or so that it finds candidates and events of an earlier run. */
export type ScriptKind = 'once' | 'again';

const againCandidates = `ON CONFLICT (object_key) DO UPDATE SET object_type = excluded.object_type, state = 'captured', dirty = 1,
  born_at = max(born_at, excluded.born_at), retired_at = coalesce(excluded.retired_at, retired_at),
  changelog_id = max(changelog_id, excluded.changelog_id), last_seen_at = excluded.last_seen_at`;

/**
 * What somebody would write by hand for exactly one drain: the same candidates, captured events and cursors as the tail, set by set in
 * key order, in one transaction. It cannot be stopped half-way, run again, fenced, watched or quarantine a row, and it blocks whoever
 * waits for the thread until it is done.
 */
export function drainByScript(handle: SqliteHandle, kind: ScriptKind): number {
  const now = new Date().toISOString();
  const started = performance.now();
  handle.exec('BEGIN');
  handle
    .prepare(
      `INSERT INTO governance_candidate_state (object_key, object_type, state, dirty, born_at, retired_at, changelog_id, first_seen_at, last_seen_at)
       SELECT b.object_key, b.object_type, 'captured', 1, b.born_at, c.retired_at, coalesce(c.id, 0), :now, :now
       FROM (SELECT object_key, object_type, max(born_at) AS born_at FROM births.birth_registry GROUP BY object_key) b
       LEFT JOIN (
         SELECT object_key, max(id) AS id, max(CASE WHEN change = 'RETIRED' THEN born_at END) AS retired_at
         FROM births.registry_changelog WHERE change <> 'BORN' GROUP BY object_key
       ) c ON c.object_key = b.object_key
       WHERE true ORDER BY b.object_key ${kind === 'again' ? againCandidates : ''}`,
    )
    .run({ now });
  handle
    .prepare(
      `INSERT INTO event_pending (event_type, object_key, born_at, captured_at)
       SELECT 'handoff.object_born', object_key, born_at, :now FROM births.birth_registry WHERE true
       ORDER BY object_key, born_at ${kind === 'again' ? 'ON CONFLICT DO NOTHING' : ''}`,
    )
    .run({ now });
  handle
    .prepare(
      `UPDATE handoff_cursor SET low_water = (SELECT seq FROM births.sqlite_sequence WHERE name = handoff_cursor.source),
         last_poll_at = :now, last_progress_at = :now, last_settled_at = :now`,
    )
    .run({ now });
  handle.exec('COMMIT');
  return (performance.now() - started) / 1000;
}

type Change = { readonly id: number; readonly object_key: string; readonly change: string; readonly born_at: string };

/** A consumer that takes row by row, `perTransaction` rows durable together; the object's type it asks of the registry. */
export function drainByRow(handle: SqliteHandle, rows: number, perTransaction: number): number {
  const now = new Date().toISOString();
  const next = handle.prepare<[number, number], Change>(
    'SELECT id, object_key, change, born_at FROM births.registry_changelog WHERE id > ? ORDER BY id LIMIT ?',
  );
  const typeOf = handle.prepare<[string, string], { object_type: string }>(
    'SELECT object_type FROM births.birth_registry WHERE object_key = ? AND born_at = ?',
  );
  const born = handle.prepare(
    `INSERT INTO governance_candidate_state (object_key, object_type, state, dirty, born_at, changelog_id, first_seen_at, last_seen_at)
     VALUES (:object_key, :object_type, 'captured', 1, :born_at, 0, :now, :now)
     ON CONFLICT (object_key) DO UPDATE SET object_type = excluded.object_type, state = 'captured', dirty = 1, born_at = excluded.born_at,
       last_seen_at = excluded.last_seen_at WHERE excluded.born_at > governance_candidate_state.born_at`,
  );
  const captured = handle.prepare(
    `INSERT INTO event_pending (event_type, object_key, born_at, captured_at) VALUES ('handoff.object_born', :object_key, :born_at, :now)
     ON CONFLICT DO NOTHING`,
  );
  const changed = handle.prepare(
    `INSERT INTO governance_candidate_state (object_key, state, dirty, retired_at, changelog_id, first_seen_at, last_seen_at)
     VALUES (:object_key, 'captured', 1, :retired_at, :id, :now, :now)
     ON CONFLICT (object_key) DO UPDATE SET dirty = 1, retired_at = coalesce(excluded.retired_at, retired_at), changelog_id = excluded.changelog_id,
       last_seen_at = excluded.last_seen_at`,
  );
  const cursor = handle.prepare("UPDATE handoff_cursor SET low_water = ?, last_poll_at = ? WHERE source = 'registry_changelog'");
  const started = performance.now();
  for (let low = 0; low < rows; ) {
    handle.exec('BEGIN');
    const batch = next.all(low, Math.min(perTransaction, rows - low));
    for (const { id, object_key, change, born_at } of batch) {
      if (change === 'BORN') {
        born.run({ object_key, born_at, now, object_type: typeOf.get(object_key, born_at)?.object_type ?? null });
        captured.run({ object_key, born_at, now });
      } else {
        changed.run({ object_key, id, now, retired_at: change === 'RETIRED' ? born_at : null });
      }
      low = id;
    }
    cursor.run(low, now);
    handle.exec('COMMIT');
    if (batch.length === 0) break;
  }
  return (performance.now() - started) / 1000;
}
