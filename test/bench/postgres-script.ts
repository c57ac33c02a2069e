import type { Client } from 'pg';

const object_born = `'handoff.object_born'`;
const reborn = `excluded.born_at > coalesce(c.born_at, '')`;

/** Births of the registry with ids in (low, high], in order of their keys. */
const candidates = `INSERT INTO governance_candidate_state AS c (object_key, object_type, type_born_at, state, dirty, born_at, changelog_id, first_seen_at, last_seen_at)
  SELECT DISTINCT ON (object_key) object_key, object_type, born_at, 'captured', 1, born_at, 0, $1, $1
  FROM birth_registry WHERE birth_id > $2 AND birth_id <= $3 ORDER BY object_key, born_at DESC
  ON CONFLICT (object_key) DO UPDATE SET object_type = excluded.object_type, type_born_at = excluded.type_born_at, state = 'captured', dirty = 1,
    born_at = excluded.born_at, activated_at = NULL, decision_ref = NULL, last_seen_at = excluded.last_seen_at WHERE ${reborn}`;
const events = `INSERT INTO event_pending (event_type, object_key, born_at, captured_at)
  SELECT ${object_born}, object_key, born_at, $1 FROM birth_registry WHERE birth_id > $2 AND birth_id <= $3 ORDER BY object_key, born_at
  ON CONFLICT DO NOTHING`;
const changes = `INSERT INTO governance_candidate_state AS c (object_key, state, dirty, retired_at, changelog_id, first_seen_at, last_seen_at)
  SELECT object_key, 'captured', 1, max(born_at) FILTER (WHERE change = 'RETIRED'), max(id), $1, $1
  FROM registry_changelog WHERE change <> 'BORN' AND id > $2 AND id <= $3 GROUP BY object_key ORDER BY object_key
  ON CONFLICT (object_key) DO UPDATE SET dirty = 1, retired_at = greatest(c.retired_at, excluded.retired_at),
    changelog_id = greatest(c.changelog_id, excluded.changelog_id), last_seen_at = excluded.last_seen_at`;
const cursor = 'UPDATE handoff_cursor SET low_water = $2, last_poll_at = $1, last_progress_at = $1, last_settled_at = $1 WHERE source = $3';

/** Candidates of both tables at once, so that each key is written once. */
const whole = `INSERT INTO governance_candidate_state AS c (object_key, object_type, type_born_at, state, dirty, born_at, retired_at, changelog_id,
    first_seen_at, last_seen_at)
  SELECT b.object_key, b.object_type, b.born_at, 'captured', 1, b.born_at, l.retired_at, coalesce(l.id, 0), $1, $1
  FROM (SELECT DISTINCT ON (object_key) object_key, object_type, born_at FROM birth_registry ORDER BY object_key, born_at DESC) b
  LEFT JOIN (SELECT object_key, max(id) AS id, max(born_at) FILTER (WHERE change = 'RETIRED') AS retired_at
    FROM registry_changelog WHERE change <> 'BORN' GROUP BY object_key) l ON l.object_key = b.object_key
  ORDER BY b.object_key
  ON CONFLICT (object_key) DO UPDATE SET object_type = excluded.object_type, type_born_at = excluded.type_born_at, state = 'captured', dirty = 1,
    born_at = greatest(c.born_at, excluded.born_at), retired_at = greatest(c.retired_at, excluded.retired_at),
    changelog_id = greatest(c.changelog_id, excluded.changelog_id), last_seen_at = excluded.last_seen_at`;

async function heads(client: Client): Promise<{ registry: number; changelog: number }> {
  const { rows } = await client.query<{ registry: number; changelog: number }>(
    `SELECT (SELECT max(birth_id) FROM birth_registry)::int AS registry, (SELECT max(id) FROM registry_changelog)::int AS changelog`,
  );
  return rows[0] ?? { registry: 0, changelog: 0 };
}

/**
 * What somebody would write by hand for exactly one drain: the same candidates, captured events and cursors as the tail, set by set, in
 * one transaction. It cannot be stopped half-way, fenced or watched, takes no row that comes late, and sets none aside.
 */
export async function drainByScript(client: Client): Promise<number> {
  const at = new Date().toISOString();
  const started = performance.now();
  const { registry, changelog } = await heads(client);
  await client.query('BEGIN');
  await client.query(whole, [at]);
  await client.query(events, [at, 0, registry]);
  await client.query(cursor, [at, registry, 'birth_registry']);
  await client.query(cursor, [at, changelog, 'registry_changelog']);
  await client.query('COMMIT');
  return (performance.now() - started) / 1000;
}

/** The same in durable batches of so many rows. */
export async function drainByBatches(client: Client, size: number): Promise<number> {
  const at = new Date().toISOString();
  const started = performance.now();
  const { registry, changelog } = await heads(client);
  const range = async (source: string, head: number, statements: readonly string[]) => {
    for (let low = 0; low < head; low += size) {
      const high = Math.min(head, low + size);
      await client.query('BEGIN');
      for (const [place, text] of statements.entries()) await client.query({ name: `${source} ${place}`, text, values: [at, low, high] });
      await client.query({ name: 'cursor', text: cursor, values: [at, high, source] });
      await client.query('COMMIT');
    }
  };
  await range('birth_registry', registry, [candidates, events]);
  await range('registry_changelog', changelog, [changes]);
  return (performance.now() - started) / 1000;
}

type Change = { readonly id: string; readonly object_key: string; readonly change: string; readonly born_at: string };

/** One row, and everything that follows from it, in one statement: the best a consumer that takes row by row can do. */
export const bornRow = `WITH e AS (INSERT INTO event_pending (event_type, object_key, born_at, captured_at) VALUES (${object_born}, $1, $2, $3)
    ON CONFLICT DO NOTHING)
  INSERT INTO governance_candidate_state AS c (object_key, object_type, type_born_at, state, dirty, born_at, changelog_id, first_seen_at, last_seen_at)
  VALUES ($1, (SELECT object_type FROM birth_registry WHERE object_key = $1 AND born_at = $2), $2, 'captured', 1, $2, 0, $3, $3)
  ON CONFLICT (object_key) DO UPDATE SET object_type = excluded.object_type, type_born_at = excluded.type_born_at, state = 'captured', dirty = 1,
    born_at = excluded.born_at, last_seen_at = excluded.last_seen_at WHERE ${reborn}`;
export const changedRow = `INSERT INTO governance_candidate_state AS c (object_key, state, dirty, retired_at, changelog_id, first_seen_at, last_seen_at)
  VALUES ($1, 'captured', 1, $2, $4, $3, $3)
  ON CONFLICT (object_key) DO UPDATE SET dirty = 1, retired_at = coalesce(excluded.retired_at, c.retired_at), changelog_id = excluded.changelog_id,
    last_seen_at = excluded.last_seen_at`;

/** A consumer that takes row by row, `perTransaction` rows durable together. */
export async function drainByRow(client: Client, rows: number, perTransaction: number): Promise<number> {
  const at = new Date().toISOString();
  const started = performance.now();
  let done = 0;
  for (let low = 0; done < rows; ) {
    await client.query('BEGIN');
    const { rows: batch } = await client.query<Change>({
      name: 'next',
      text: 'SELECT id, object_key, change, born_at FROM registry_changelog WHERE id > $1 ORDER BY id LIMIT $2',
      values: [low, Math.min(perTransaction, rows - done)],
    });
    for (const { id, object_key, change, born_at } of batch) {
      if (change === 'BORN') await client.query({ name: 'born', text: bornRow, values: [object_key, born_at, at] });
      else await client.query({ name: 'changed', text: changedRow, values: [object_key, change === 'RETIRED' ? born_at : null, at, id] });
      low = Number(id);
    }
    await client.query({ name: 'cursor', text: cursor, values: [at, low, 'registry_changelog'] });
    await client.query('COMMIT');
    if (batch.length === 0) break;
    done += batch.length;
  }
  return (performance.now() - started) / 1000;
}
