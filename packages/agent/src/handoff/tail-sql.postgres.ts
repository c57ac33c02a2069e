import { laneRowLimit, waitingError } from '@govctl/core/handoff';
import type { SourceName, SourceSql, SourcesSql } from './source.postgres.ts';

/**
 * The tail's statements on PostgreSQL. Rows never pass through JavaScript: one statement reads a batch of one source and writes
 * everything that follows from it. Ids become visible in any order there, so a batch reads what it has not seen yet, and what it
 * writes is the same in whatever order the rows come: maxima, and keys that are there once.
 *
 * Look-ups in large tables are written so that they stay look-ups (`OFFSET 0`, LATERAL with LIMIT): a batch must not scan them
 * because statistics are old.
 */

export const objectBorn = `'handoff.object_born'`;
/** One outbox row holds at most this many events: the dispatcher reads a row at a time. */
const eventsPerRow = 500;
const lastId = '9223372036854775807';

/** The ids of a cursor that were not seen: a few ranges, the last without an end. */
const unseen = `int8multirange(int8range(k.low_water, NULL, '()')) - k.seen`;

export function inGap(source: SourceSql): string {
  return `${source.id} >= lower(gap) AND ${source.id} < coalesce(upper(gap), ${lastId})`;
}

/** Whether a row can be seen and was not; `upto` bounds the ids asked for. For a cursor row `k`. */
export function unread(source: SourceSql, upto?: string): string {
  const ids = upto === undefined ? unseen : `(${unseen}) * int8multirange(int8range(NULL, ${upto}, '(]'))`;
  return `EXISTS (SELECT 1 FROM unnest(${ids}) AS gap, LATERAL (SELECT 1 FROM ${source.table} r WHERE ${inGap(source)} LIMIT 1) AS x)`;
}

export function cursorOf(name: SourceName): string {
  return `k.source = '${name}' AND k.shard = 0`;
}

export function bySource(sources: readonly SourceSql[], value: (source: SourceSql) => string, otherwise: string): string {
  if (sources.length === 0) return otherwise;
  return `CASE k.source ${sources.map((source) => `WHEN '${source.name}' THEN ${value(source)}`).join(' ')} ELSE ${otherwise} END`;
}

const room = `(SELECT count(*) FROM (SELECT 1 FROM outbox_waiting LIMIT ${laneRowLimit}) AS w) < ${laneRowLimit}`;
const drains = `EXISTS (SELECT 1 FROM event_type_registry t WHERE t.event_type = ${objectBorn} AND t.active = 1)
  AND EXISTS (SELECT 1 FROM event_pending p WHERE p.event_type = ${objectBorn}) AND ${room}`;

/** Now, by the server's clock, in the form governance keeps. */
const now = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

export const nowSql = `SELECT ${now} AS now`;

function asked(source: SourceName): string {
  return `EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${source}' AND q.retry_asked_at IS NOT NULL AND q.resolved_at IS NULL)`;
}

/** Is there anything to do? The heads are the ceilings of a fence: they are read before the writers. */
export function probeSql(sources: readonly SourceSql[]): string {
  return `SELECT k.source, k.low_water, k.audited_upto, k.seen = '{}' AS collapsed, ${drains} AS drains, k.paused_at IS NOT NULL AS paused,
      ${bySource(sources, (source) => asked(source.name), 'false')} AS asked,
      ${bySource(sources, (source) => source.head, 'k.low_water')} AS head,
      ${bySource(sources, (source) => unread(source), 'false')} AS unread
    FROM handoff_cursor k WHERE k.fence = :fence AND k.shard = 0 ORDER BY k.source`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The source's own relations: itself and, where it is partitioned, all of its tree. A routed INSERT holds its root before its leaf. */
function tree(source: SourceSql): string {
  const root = `to_regclass(${literal(source.table)})`;
  return `SELECT '${source.name}' AS source, ${root}::oid AS relid UNION SELECT '${source.name}', relid::oid FROM pg_partition_tree(${root})`;
}

/** Transactions that may still make rows of the sources visible. Needs no privilege; one that was prepared has no pid. */
export function writersSql(sources: readonly SourceSql[]): string {
  return `SELECT t.source, l.virtualtransaction AS vxid, l.pid
    FROM (${sources.map(tree).join(' UNION ALL ')}) t JOIN pg_locks l ON l.relation = t.relid
    WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'RowExclusiveLock'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.pid IS DISTINCT FROM pg_backend_pid()`;
}

/** What stands now under the id of the newest row that was settled. */
function anchored(source: SourceSql): string {
  return `(SELECT json_build_object('object_key', ${source.object_key}, 'born_at', ${source.born_at})::text FROM ${source.table} r
      WHERE ${source.id} = (k.anchor::json ->> 'id')::bigint LIMIT 1)`;
}

/** Holds the cursors, if they are still ours: a tail whose lease ran out finds no row and commits nothing. */
export function holdSql(sources: readonly SourceSql[]): string {
  const gone = bySource(
    sources,
    (source) => `k.next_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${source.table} r WHERE ${source.id} = k.next_id)`,
    'false',
  );
  return `SELECT k.source, k.shard, k.low_water, k.settled_upto, k.audited_upto, k.last_poll_at, k.stale_since, k.next_id, k.source_files,
      coalesce(upper(k.seen) - 1, 0) AS last_seen, (SELECT count(*) FROM unnest(k.seen)) AS seen_ranges, ${gone} AS next_gone,
      k.paused_at IS NOT NULL AS paused, k.anchor, ${bySource(sources, anchored, 'NULL::text')} AS anchored, ${now} AS now
    FROM handoff_cursor k WHERE k.fence = :fence AND k.lease_until > clock_timestamp() ORDER BY k.source, k.shard FOR UPDATE`;
}

/**
 * `active`: it is delivered, and its lane has room; where it has none, births are captured as if it were not delivered. FOR SHARE: an
 * activation waits for the batch, or the batch for it, so nothing is captured under a type that is active by then.
 */
export const eventTypeSql = `SELECT active = 1 AND ${room} AS active, EXISTS (SELECT 1 FROM event_pending p WHERE p.event_type = ${objectBorn}) AS pending
  FROM event_type_registry WHERE event_type = ${objectBorn} FOR SHARE`;

export const isEmitted = (row: string) =>
  `EXISTS (SELECT 1 FROM handoff_emitted e WHERE e.event_type = ${objectBorn} AND e.object_key = ${row}.object_key AND e.born_at = ${row}.born_at OFFSET 0)`;
export const isPending = (row: string) =>
  `EXISTS (SELECT 1 FROM event_pending e WHERE e.event_type = ${objectBorn} AND e.object_key = ${row}.object_key AND e.born_at = ${row}.born_at OFFSET 0)`;

const draft = `json_build_object('type', ${objectBorn}, 'subject', object_key, 'time', :now, 'tenant_id', 'default', 'dataset_id', NULL, 'layer', NULL,
    'run_id', NULL, 'environment', :environment, 'data', json_build_object('object_key', object_key, 'object_type', object_type, 'born_at', born_at))`;

/** Outbox rows from `numbered` (object_key, object_type, born_at, place). */
const outbox = `o AS (INSERT INTO outbox (committed_at, event_count, events)
      SELECT :now, count(*), json_agg(${draft} ORDER BY place)::text FROM numbered GROUP BY place / ${eventsPerRow} ORDER BY place / ${eventsPerRow}
      RETURNING outbox_id),
    w AS (INSERT INTO outbox_waiting (outbox_id) SELECT outbox_id FROM o)`;

/** Events of the CTE `born` (object_key, born_at, object_type), each of them once for ever. In the order that `born` and the candidates have: sorting what is sorted costs nothing. */
function eventCtes(emits: boolean): string {
  if (!emits) {
    return `captured AS (INSERT INTO event_pending (event_type, object_key, born_at, captured_at)
      SELECT ${objectBorn}, b.object_key, b.born_at, :now FROM born b WHERE NOT ${isEmitted('b')} ORDER BY b.object_key, b.born_at DESC
      ON CONFLICT DO NOTHING)`;
  }
  return `emitted AS (INSERT INTO handoff_emitted (event_type, object_key, born_at, emitted_at)
      SELECT ${objectBorn}, b.object_key, b.born_at, :now FROM born b ORDER BY b.object_key, b.born_at DESC ON CONFLICT DO NOTHING
      RETURNING object_key, born_at),
    numbered AS (SELECT e.object_key, e.born_at, b.object_type, row_number() OVER (ORDER BY e.object_key, e.born_at) - 1 AS place
      FROM emitted e JOIN born b ON b.object_key = e.object_key AND b.born_at = e.born_at),
    ${outbox}`;
}

/** What a batch reads: `fresh` is what the cursor has not seen, `ids` is the ranges of a parameter, read again; `again` is too, and leaves the cursor alone. */
export type Reading = 'fresh' | 'ids' | 'again';

/** `raw`: the rows. `s`: those that have to be looked at. `j`: with whether they, or rows of their key before them, cannot be applied. */
function readCtes(source: SourceSql, reading: Reading, told?: SourceSql): string {
  const gaps =
    reading !== 'fresh'
      ? 'FROM unnest((:ids)::int8multirange) AS gap'
      : `FROM (SELECT k.low_water, k.seen FROM handoff_cursor k WHERE ${cursorOf(source.name)}) AS k, unnest(${unseen}) AS gap`;
  return `raw AS MATERIALIZED (
      SELECT x.* ${gaps}, LATERAL (
        SELECT ${source.id}::bigint AS id, ${source.object_key} AS object_key, ${source.object_type} AS object_type, ${source.change} AS change,
          ${source.born_at} AS born_at
        FROM ${source.table} r WHERE ${inGap(source)} ORDER BY ${source.id} LIMIT :rows) AS x LIMIT :rows),
    ${told === undefined ? '' : toldCtes(told)}
    formed AS MATERIALIZED (SELECT ${source.all_formed} AS known FROM raw),
    s AS MATERIALIZED (SELECT raw.*, ${source.fault('(SELECT known FROM formed)')} AS fault FROM raw
      ${told === undefined ? '' : `WHERE (raw.change = 'BORN' AND (raw.object_key, raw.born_at) IN (SELECT object_key, born_at FROM told)) IS NOT TRUE`}),
    held AS MATERIALIZED (SELECT object_key, min(id) AS from_id FROM (
        SELECT object_key, id FROM s WHERE fault IS NOT NULL AND object_key IS NOT NULL
        UNION ALL SELECT object_key, CASE WHEN source = '${source.name}' THEN id ELSE 0 END FROM handoff_quarantine
          WHERE resolved_at IS NULL AND object_key IS NOT NULL AND (source = '${source.name}' OR waits = 0)) AS q GROUP BY object_key),
    j AS MATERIALIZED (SELECT s.*, (s.fault IS NOT NULL OR h.from_id <= s.id) IS TRUE AS bad FROM s LEFT JOIN held h ON h.object_key = s.object_key)`;
}

/**
 * Births that rows of the registry told of: applied rows, between those of the first and the last birth of the batch. Who writes a
 * birth into both tables writes them side by side, so one range of the registry answers for nearly all of the changelog's births,
 * without a look-up for each. Whatever it does not answer for is looked up.
 */
function toldCtes(registry: SourceSql): string {
  const applied = `int8multirange(int8range(NULL, k.low_water, '(]')) + k.seen`;
  return `ends AS MATERIALIZED (SELECT min(id) AS low, max(id) AS high FROM raw WHERE change = 'BORN'),
    span AS MATERIALIZED (SELECT min(x.id) AS low, max(x.id) AS high FROM ends, raw AS b, LATERAL (
        SELECT ${registry.id}::bigint AS id FROM ${registry.table} r WHERE ${registry.object_key} = b.object_key AND ${registry.born_at} = b.born_at LIMIT 1) AS x
      WHERE b.id IN (ends.low, ends.high)),
    told AS MATERIALIZED (SELECT x.object_key, x.born_at FROM span, handoff_cursor k,
        unnest((${applied}) * int8multirange(int8range(span.low, span.high, '[]'))) AS gap, LATERAL (
        SELECT ${registry.id} AS id, ${registry.object_key} AS object_key, ${registry.born_at} AS born_at
        FROM ${registry.table} r WHERE ${inGap(registry)} ORDER BY ${registry.id} LIMIT 2 * :rows) AS x
      WHERE ${cursorOf(registry.name)}
        AND x.id NOT IN (SELECT q.id FROM span, handoff_quarantine q WHERE q.source = '${registry.name}' AND q.id BETWEEN span.low AND span.high)
      LIMIT 2 * :rows),`;
}

const quarantined = 'source, id, object_key, "row", error, waits, attempts, first_seen_at';
/** A row that was applied, or stands for another since its ids were given out again, comes back; one that was given up does not. */
const reopen = `ON CONFLICT (source, id) DO UPDATE SET object_key = excluded.object_key, "row" = excluded."row", error = excluded.error, waits = excluded.waits,
      resolved_at = NULL, resolved_by = NULL, resolution = NULL
    WHERE handoff_quarantine.resolved_at IS NOT NULL AND handoff_quarantine.resolution <> 'discarded'`;

/** Rows that cannot be applied stand aside, and the cursor moves over everything that was read. */
function endCtes(source: SourceSql, reading: Reading): string {
  // Ids that follow one another are one range before they are put together: a range a row is what costs. Mostly all of them do.
  const stretches = `SELECT int8range(min(id), max(id), '[]') AS ids FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS stretch FROM raw) AS x GROUP BY stretch`;
  const ids = `CASE WHEN batch.last_id - batch.first_id = batch.row_count - 1 THEN int8multirange(int8range(batch.first_id, batch.last_id, '[]'))
          ELSE (SELECT range_agg(ids) FROM (${stretches}) AS y) END`;
  const seen = reading !== 'fresh' ? '' : `seen = k.seen + ${ids},`;
  const moved =
    reading === 'again'
      ? ''
      : `,
    moved AS (UPDATE handoff_cursor k SET ${seen} applied_rows = k.applied_rows + batch.row_count, last_progress_at = :now
      FROM batch WHERE ${cursorOf(source.name)} AND batch.row_count > 0)`;
  return `batch AS MATERIALIZED (SELECT count(*) AS row_count, min(id) AS first_id, max(id) AS last_id FROM raw),
    poisoned AS (INSERT INTO handoff_quarantine (${quarantined})
      SELECT '${source.name}', j.id, left(j.object_key, 1024), x.json, coalesce(j.fault, '${waitingError}'), CASE WHEN j.fault IS NULL THEN 1 ELSE 0 END, 1, :now
      FROM j, LATERAL (SELECT ${source.json} AS json FROM ${source.table} r WHERE ${source.id} = j.id LIMIT 1) AS x WHERE j.bad ORDER BY j.id
      ${reopen})${moved}
  SELECT row_count, coalesce(last_id, 0) AS last_id FROM batch`;
}

const reborn = `excluded.born_at > coalesce(c.born_at, '')`;
/** Two births of one moment that say different types contradict each other: the same one counts, in whatever order they are read. */
const told = `(excluded.type_born_at, excluded.object_type) > (coalesce(c.type_born_at, ''), coalesce(c.object_type, ''))`;
const upsert = `ON CONFLICT (object_key) DO UPDATE SET
      object_type = CASE WHEN ${told} THEN excluded.object_type ELSE c.object_type END,
      type_born_at = CASE WHEN ${told} THEN excluded.type_born_at ELSE c.type_born_at END,
      state = CASE WHEN ${reborn} THEN 'captured' ELSE c.state END,
      activated_at = CASE WHEN ${reborn} THEN NULL ELSE c.activated_at END,
      decision_ref = CASE WHEN ${reborn} THEN NULL ELSE c.decision_ref END,
      born_at = greatest(c.born_at, excluded.born_at), last_seen_at = excluded.last_seen_at`;
const candidateColumns =
  'object_key, object_type, type_born_at, state, dirty, born_at, retired_at, changelog_id, first_seen_at, last_seen_at';

/** A batch of the registry: every row is a birth. */
export function registrySql(source: SourceSql, reading: Reading, emits: boolean): string {
  return `WITH ${readCtes(source, reading)},
    born AS MATERIALIZED (SELECT object_key, born_at, max(object_type) AS object_type FROM j WHERE NOT bad
      GROUP BY object_key, born_at ORDER BY object_key, born_at DESC),
    ${eventCtes(emits)},
    candidates AS (INSERT INTO governance_candidate_state AS c (${candidateColumns})
      SELECT DISTINCT ON (object_key) object_key, object_type, CASE WHEN object_type IS NOT NULL THEN born_at END, 'captured', 1, born_at, NULL, 0, :now, :now
      FROM born ORDER BY object_key, born_at DESC
      ${upsert}, dirty = CASE WHEN ${reborn} THEN 1 ELSE c.dirty END WHERE ${reborn} OR ${told}),
    ${endCtes(source, reading)}`;
}

/**
 * A batch of the changelog. A birth that the registry told of already is no news; `exact` does not take the candidate's word for
 * that. A change is news when it is newer than what was applied, or has never been below the settled low water: then it came late, and
 * is applied for the first time, and no candidate is asked about it.
 */
export function changelogSql(sources: SourcesSql, reading: Reading, emits: boolean, exact: boolean): string {
  const source = sources.registry_changelog;
  const registry = sources.birth_registry;
  const hasEvent = `(${isPending('j')} OR ${isEmitted('j')})`;
  const known = exact ? `(c.born_at >= j.born_at AND ${hasEvent})` : `(c.born_at = j.born_at OR (c.born_at > j.born_at AND ${hasEvent}))`;
  const news = `(j.change <> 'BORN' AND (c.object_key IS NULL OR j.id > c.changelog_id OR j.id > (:settled_upto)::bigint))`;
  const type = registry.by_key
    ? `(SELECT max(${registry.object_type}) FROM ${registry.table} r WHERE ${registry.object_key} = f.object_key AND ${registry.born_at} = f.born_at)`
    : 'NULL::text';
  return `WITH ${readCtes(source, reading, registry.by_key && !exact ? registry : undefined)},
    g AS MATERIALIZED (SELECT j.id, j.object_key, j.change, j.born_at, ${news} AS news, c.born_at AS c_born_at, c.dirty AS c_dirty
      FROM j LEFT JOIN LATERAL (SELECT * FROM governance_candidate_state c
        WHERE c.object_key = j.object_key AND (j.change = 'BORN' OR j.id <= (:settled_upto)::bigint) LIMIT 1) AS c ON true
      WHERE NOT j.bad AND CASE j.change WHEN 'BORN' THEN ${known} IS NOT TRUE
        WHEN 'RETIRED' THEN ${news} OR (c.retired_at >= j.born_at) IS NOT TRUE ELSE ${news} END),
    born AS MATERIALIZED (SELECT f.object_key, f.born_at, ${type} AS object_type
      FROM (SELECT DISTINCT object_key, born_at FROM g WHERE change = 'BORN') AS f),
    ${eventCtes(emits)},
    newest AS (SELECT DISTINCT ON (object_key) object_key, object_type, born_at FROM born ORDER BY object_key, born_at DESC),
    folded AS (SELECT object_key, max(born_at) FILTER (WHERE change = 'BORN') AS born_at, max(born_at) FILTER (WHERE change = 'RETIRED') AS retired_at,
        coalesce(max(id) FILTER (WHERE change <> 'BORN'), 0) AS changelog_id, bool_or(news) AS news, max(c_born_at) AS c_born_at, max(c_dirty) AS c_dirty
      FROM g GROUP BY object_key),
    candidates AS (INSERT INTO governance_candidate_state AS c (${candidateColumns})
      SELECT f.object_key, n.object_type, CASE WHEN n.object_type IS NOT NULL THEN n.born_at END, 'captured',
        CASE WHEN f.news OR f.c_dirty IS NULL OR f.born_at > coalesce(f.c_born_at, '') THEN 1 ELSE f.c_dirty END,
        f.born_at, f.retired_at, f.changelog_id, :now, :now
      FROM folded f LEFT JOIN newest n ON n.object_key = f.object_key ORDER BY f.object_key
      ${upsert}, dirty = excluded.dirty, retired_at = greatest(c.retired_at, excluded.retired_at), changelog_id = greatest(c.changelog_id, excluded.changelog_id)
      WHERE ${reborn} OR ${told} OR excluded.dirty <> c.dirty OR excluded.changelog_id > c.changelog_id
        OR excluded.retired_at > coalesce(c.retired_at, '')),
    ${endCtes(source, reading)}`;
}

/** The newest settled row, to know the source by. None of the quarantine: whoever owns the table may mend it. */
function anchorOf(source: SourceSql): string {
  return `(SELECT CASE WHEN EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${source.name}' AND q.id = r.id) THEN NULL
        ELSE json_build_object('id', r.id, 'object_key', r.object_key, 'born_at', r.born_at)::text END
      FROM (SELECT ${source.id}::bigint AS id, ${source.object_key} AS object_key, ${source.born_at} AS born_at FROM ${source.table} r
        WHERE ${source.id} <= (:upto)::bigint ORDER BY ${source.id} DESC LIMIT 1) AS r)`;
}

/** The low water moves to a settled id, unless a row at or below it can be seen that was not read. */
export function settleSql(source: SourceSql): string {
  return `UPDATE handoff_cursor k SET low_water = (:upto)::bigint, settled_upto = greatest(k.settled_upto, :upto),
      seen = k.seen - int8multirange(int8range(NULL, (:upto)::bigint, '(]')), fence_ceiling = NULL, fence_writers = NULL, fence_since = NULL, blocker = NULL,
      anchor = ${anchorOf(source)},
      alarm = CASE WHEN k.alarm LIKE '{"coverage":"behind"%' THEN NULL ELSE k.alarm END
    WHERE ${cursorOf(source.name)} AND k.low_water < :upto AND NOT ${unread(source, '(:upto)::bigint')}`;
}

/**
 * The end of every batch: heartbeat, and the lease renewed. Of a source that was read in part (`full`) the next row that waits is
 * remembered: where it is gone by the next batch, rows were removed unread. `read` names those of which nothing is left.
 */
export function closeSql(full: readonly SourceSql[], read: readonly SourceName[]): string {
  const next = (source: SourceSql) => `(SELECT x.id FROM unnest(${unseen}) AS gap,
      LATERAL (SELECT ${source.id}::bigint AS id FROM ${source.table} r WHERE ${inGap(source)} ORDER BY ${source.id} LIMIT 1) AS x LIMIT 1)`;
  const settled = read.length === 0 ? 'false' : `k.source IN (${read.map(literal).join(', ')})`;
  return `UPDATE handoff_cursor k SET last_poll_at = :at, stale_since = NULL,
      lease_until = clock_timestamp() + (:ttl)::bigint * interval '1 millisecond', next_id = ${bySource(full, next, 'NULL::bigint')},
      last_settled_at = CASE WHEN ${settled} THEN :at ELSE k.last_settled_at END
    WHERE k.fence = :fence`;
}

/** The table's files, and whether anything at or below the low water is still there. */
export function examineSql(source: SourceSql): string {
  return `SELECT k.low_water, (SELECT string_agg(t.relid::text || ':' || coalesce(pg_relation_filenode(t.relid), 0), ',' ORDER BY t.relid) FROM (${tree(source)}) t) AS files,
      EXISTS (SELECT 1 FROM ${source.table} r WHERE ${source.id} <= k.low_water) AS has_old, k.seen = '{}' AS collapsed,
      (SELECT min(${source.id}) FROM ${source.table} r WHERE ${source.id} > k.low_water)::bigint AS first_above
    FROM handoff_cursor k WHERE ${cursorOf(source.name)}`;
}

/** Captured events of an active type go out in key order; pending and emitted change places in one statement. */
export const drainSql = `WITH d AS (DELETE FROM event_pending WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM event_pending WHERE event_type = ${objectBorn} ORDER BY object_key, born_at LIMIT :rows)) RETURNING object_key, born_at),
    e AS (INSERT INTO handoff_emitted (event_type, object_key, born_at, emitted_at)
      SELECT ${objectBorn}, object_key, born_at, :now FROM d ORDER BY object_key, born_at ON CONFLICT DO NOTHING RETURNING object_key, born_at),
    numbered AS (SELECT e.object_key, e.born_at, c.object_type, row_number() OVER (ORDER BY e.object_key, e.born_at) - 1 AS place
      FROM e LEFT JOIN LATERAL (SELECT object_type FROM governance_candidate_state c WHERE c.object_key = e.object_key LIMIT 1) AS c ON true),
    ${outbox}
  SELECT count(*) AS row_count FROM d`;

/** The first unread row, one that no statement takes; `plainly` where not even its columns can be written down. */
export function setAsideSql(source: SourceSql, plainly: boolean): string {
  const [key, row] = plainly ? ['NULL', `json_build_object('id', s.id)::text`] : [`left(${source.object_key}, 1024)`, source.json];
  return `WITH s AS MATERIALIZED (SELECT x.id FROM (SELECT k.low_water, k.seen FROM handoff_cursor k WHERE ${cursorOf(source.name)}) AS k, unnest(${unseen}) AS gap,
      LATERAL (SELECT ${source.id}::bigint AS id FROM ${source.table} r WHERE ${inGap(source)} ORDER BY ${source.id} LIMIT 1) AS x LIMIT 1),
    q AS (INSERT INTO handoff_quarantine (${quarantined})
      SELECT '${source.name}', s.id, ${key}, ${row}, :error, 0, 1, :now FROM s JOIN ${source.table} r ON ${source.id} = s.id ${reopen})
  UPDATE handoff_cursor k SET seen = k.seen + (SELECT range_agg(int8range(id, id, '[]')) FROM s), applied_rows = k.applied_rows + 1
  WHERE ${cursorOf(source.name)} AND EXISTS (SELECT 1 FROM s)`;
}
