import { bornAtGlob, objectKeyLimit, waitingError } from '@govctl/core/handoff';

/**
 * The tail's statements. Rows never pass through JavaScript: they are read from births.db and written to govd.db inside SQLite,
 * a range at a time, every statement so that a second run of its range changes nothing.
 *
 * Rows are found in one of three lanes. `arrival`: by id, what a live tail does. `key`: by object key up to a fixed id, what a
 * large backlog does. In arrival order each batch touches nearly every leaf page of the key-ordered tables, so a million rows wrote
 * the tables through the log once per batch; in key order each page is written once (measured: 2 to 5 times the rows a second).
 * `ids`: a few that are named, what a retry does.
 */
export type Lane = 'arrival' | 'key' | 'ids';

type Source = { readonly table: string; readonly id: string };

export const sources = {
  birth_registry: { table: 'births.birth_registry', id: 'birth_id' },
  registry_changelog: { table: 'births.registry_changelog', id: 'id' },
} as const satisfies Record<string, Source>;

export type SourceName = keyof typeof sources;

const objectBorn = `'handoff.object_born'`;
/** One outbox row holds at most this many events: the dispatcher reads a row at a time. */
const eventsPerRow = 500;

function range(source: Source, lane: Lane): string {
  if (lane === 'ids') return `r.${source.id} IN (SELECT value FROM json_each(:ids))`;
  // The unary plus keeps the planner off the id index: in this lane the key index is the order of the walk.
  return lane === 'arrival'
    ? `r.${source.id} > :low AND r.${source.id} <= :high`
    : `r.object_key > :after_key AND r.object_key <= :to_key AND +r.${source.id} > :low AND +r.${source.id} <= :high`;
}

const discarded = `q.resolution = 'discarded'`;

/** An open row of the quarantine, or one that was given up for ever. */
function aside(source: SourceName): string {
  return `EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${source}' AND q.id = r.${sources[source].id} AND (q.resolved_at IS NULL OR ${discarded}))`;
}

function givenUp(source: SourceName): string {
  return `EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${source}' AND q.id = r.${sources[source].id} AND ${discarded})`;
}

/** Leaves out what stands aside; only asked for when something does, because it costs a look-up a row. */
function unless(source: SourceName, careful: boolean): string {
  return careful ? ` AND NOT ${aside(source)}` : '';
}

/** Whether the tail has to be careful. */
export const asideSql = `SELECT 1 WHERE EXISTS (SELECT 1 FROM handoff_quarantine WHERE resolved_at IS NULL)
  OR EXISTS (SELECT 1 FROM handoff_quarantine WHERE resolution = 'discarded')`;

const notEmitted = `NOT EXISTS (SELECT 1 FROM handoff_emitted e
    WHERE e.event_type = ${objectBorn} AND e.object_key = r.object_key AND e.born_at = r.born_at)`;
const pending = `EXISTS (SELECT 1 FROM event_pending e
    WHERE e.event_type = ${objectBorn} AND e.object_key = r.object_key AND e.born_at = r.born_at)`;
/**
 * A candidate whose newest birth is this one has its event already: one transaction wrote both. Of an earlier birth of a living
 * candidate only the event itself can tell.
 */
const notKnown = `NOT EXISTS (SELECT 1 FROM governance_candidate_state c WHERE c.object_key = r.object_key AND c.born_at = r.born_at)
    AND NOT (EXISTS (SELECT 1 FROM governance_candidate_state c WHERE c.object_key = r.object_key AND c.born_at > r.born_at)
      AND (${pending} OR NOT ${notEmitted}))`;

const draft = `json_object('type', ${objectBorn}, 'subject', object_key, 'time', :now, 'tenant_id', 'default', 'dataset_id', NULL, 'layer', NULL,
    'run_id', NULL, 'environment', :environment, 'data', json_object('object_key', object_key, 'object_type', object_type, 'born_at', born_at))`;

function outboxFrom(rows: string): string {
  return `INSERT INTO outbox (committed_at, event_count, events)
    SELECT :now, count(*), json_group_array(${draft}) FROM (
      SELECT object_key, object_type, born_at, row_number() OVER (ORDER BY object_key, born_at) - 1 AS place FROM (${rows})
    ) GROUP BY place / ${eventsPerRow}`;
}

function eventSql(rows: string) {
  return {
    capture: `INSERT INTO event_pending (event_type, object_key, born_at, captured_at)
      SELECT ${objectBorn}, object_key, born_at, :now FROM (${rows}) WHERE true ORDER BY object_key, born_at ON CONFLICT DO NOTHING`,
    outbox: outboxFrom(rows),
    emitted: `INSERT INTO handoff_emitted (event_type, object_key, born_at, emitted_at)
      SELECT ${objectBorn}, object_key, born_at, :now FROM (${rows}) WHERE true ORDER BY object_key, born_at ON CONFLICT DO NOTHING`,
  };
}

function rebirth(column: string): string {
  return `CASE WHEN excluded.born_at > coalesce(born_at, '') THEN NULL ELSE ${column} END`;
}

const upsertBorn = `ON CONFLICT (object_key) DO UPDATE SET
      object_type = coalesce(excluded.object_type, object_type),
      state = CASE WHEN excluded.born_at > coalesce(born_at, '') THEN 'captured' ELSE state END,
      dirty = CASE WHEN excluded.born_at > coalesce(born_at, '') THEN 1 ELSE dirty END,
      activated_at = ${rebirth('activated_at')}, decision_ref = ${rebirth('decision_ref')},
      born_at = max(coalesce(born_at, ''), excluded.born_at),
      last_seen_at = excluded.last_seen_at
    WHERE excluded.born_at > coalesce(born_at, '') OR (object_type IS NULL AND excluded.object_type IS NOT NULL)`;

/**
 * What a row must be to be applied; anything else is quarantined with its reason. Only columns of the key index are asked, so that the
 * survey of a walk reads no table page.
 */
export function fault(source: SourceName): string {
  const change =
    source === 'birth_registry'
      ? ''
      : `WHEN r.change NOT IN ('BORN', 'CHANGED', 'RETIRED') THEN 'change is none of BORN, CHANGED, RETIRED'`;
  return `CASE
      WHEN typeof(r.object_key) <> 'text' OR length(r.object_key) NOT BETWEEN 1 AND ${objectKeyLimit} THEN 'object_key is not text of 1 to ${objectKeyLimit} characters'
      WHEN r.born_at NOT GLOB '${bornAtGlob}' THEN 'born_at is not RFC 3339 UTC with six decimals'
      ${change} END`;
}

function columnsAsJson(source: SourceName): string {
  const own =
    source === 'birth_registry'
      ? `'object_type', CAST(r.object_type AS TEXT), 'permit_id', CAST(r.permit_id AS TEXT)`
      : `'change', CAST(r.change AS TEXT)`;
  return `json_object('object_key', CAST(r.object_key AS TEXT), 'born_at', CAST(r.born_at AS TEXT), ${own}, 'payload', CAST(r.payload AS TEXT))`;
}

/** All statements of one lane; `careful` leaves out quarantined rows. */
export function tailSql(lane: Lane, careful: boolean) {
  const births = `SELECT r.object_key, CAST(r.object_type AS TEXT) AS object_type, r.born_at FROM ${sources.birth_registry.table} r
      WHERE ${range(sources.birth_registry, lane)}${unless('birth_registry', careful)}`;
  const changes = `FROM ${sources.registry_changelog.table} r WHERE ${range(sources.registry_changelog, lane)}${unless('registry_changelog', careful)}`;
  // No object type: the changelog does not tell it, the registry does.
  const newlyBorn = `SELECT r.object_key, NULL AS object_type, r.born_at ${changes} AND r.change = 'BORN' AND ${notKnown}`;
  return {
    births: {
      events: eventSql(`${births} AND ${notEmitted}`),
      candidates: `INSERT INTO governance_candidate_state (object_key, object_type, state, dirty, born_at, changelog_id, first_seen_at, last_seen_at)
        SELECT object_key, object_type, 'captured', 1, born_at, 0, :now, :now FROM (${births}) WHERE true ORDER BY object_key ${upsertBorn}`,
    },
    changelog: {
      events: eventSql(`${newlyBorn} AND ${notEmitted}`),
      candidates: `INSERT INTO governance_candidate_state (object_key, object_type, state, dirty, born_at, changelog_id, first_seen_at, last_seen_at)
        SELECT object_key, NULL, 'captured', 1, born_at, 0, :now, :now FROM (${newlyBorn}) WHERE true ORDER BY object_key ${upsertBorn}`,
      // Grouped: a key that changed a hundred times in the range is one row change.
      changed: `INSERT INTO governance_candidate_state (object_key, state, dirty, retired_at, changelog_id, first_seen_at, last_seen_at)
        SELECT r.object_key, 'captured', 1, max(CASE WHEN r.change = 'RETIRED' THEN r.born_at END), max(r.id), :now, :now ${changes}
          AND r.change <> 'BORN' GROUP BY r.object_key
        ON CONFLICT (object_key) DO UPDATE SET
          dirty = 1,
          retired_at = max(coalesce(retired_at, excluded.retired_at), coalesce(excluded.retired_at, retired_at)),
          changelog_id = excluded.changelog_id,
          last_seen_at = excluded.last_seen_at
        WHERE excluded.changelog_id > changelog_id`,
    },
    survey: {
      birth_registry: survey('birth_registry', lane),
      registry_changelog: survey('registry_changelog', lane),
    },
    quarantine: {
      birth_registry: quarantine('birth_registry', lane),
      registry_changelog: quarantine('registry_changelog', lane),
    },
  };
}

export type TailSql = ReturnType<typeof tailSql>;

/** What a range asks for, the most demanding row of it: nothing but its changes, births nobody told of before, or care with faults. */
export const attention = { none: 0, births: 1, faults: 2 } as const;

/**
 * Rows of the range, and what they ask for, in one pass. A birth of the changelog that stands in the part of the registry which this
 * very transaction has applied (ids above `told_low` up to `told_high`, all of them sound) was told of and is sound itself: its key and
 * moment are the same. That look-up reads an index only; every other row is asked everything.
 */
function survey(source: SourceName, lane: Lane): string {
  const { table } = sources[source];
  const told = `EXISTS (SELECT 1 FROM ${sources.birth_registry.table} b WHERE b.object_key = r.object_key AND b.born_at = r.born_at
        AND b.birth_id > :told_low AND b.birth_id <= :told_high)`;
  const asked =
    source === 'birth_registry'
      ? `CASE WHEN ${fault(source)} IS NOT NULL THEN ${attention.faults} ELSE ${attention.births} END`
      : `CASE WHEN r.change = 'BORN' AND ${told} THEN ${attention.none}
      WHEN ${fault(source)} IS NOT NULL THEN ${attention.faults}
      WHEN r.change = 'BORN' AND ${notKnown} THEN ${attention.births}
      ELSE ${attention.none} END`;
  return `SELECT count(*) AS row_count, coalesce(max(${asked}), ${attention.none}) AS attention FROM ${table} r WHERE ${range(sources[source], lane)}`;
}

const quarantined = 'source, id, object_key, row, error, waits, attempts, first_seen_at';
/** A row that was applied, or stands for another since its ids were given out again, comes back; one that was given up does not. */
const reopen = `ON CONFLICT (source, id) DO UPDATE SET object_key = excluded.object_key, row = excluded.row, error = excluded.error, waits = excluded.waits,
      resolved_at = NULL, resolved_by = NULL, resolution = NULL
    WHERE handoff_quarantine.resolved_at IS NOT NULL AND handoff_quarantine.resolution <> 'discarded'`;

/**
 * Faulty rows, and rows behind one of the same key: a key's history is applied in order or not at all. Rows up to `fresh_above` were read
 * before: what the other source holds back came after them.
 */
function quarantine(source: SourceName, lane: Lane): string {
  const { table, id } = sources[source];
  return `INSERT INTO handoff_quarantine (${quarantined})
    SELECT '${source}', r.${id}, CAST(r.object_key AS TEXT), ${columnsAsJson(source)},
      coalesce(${fault(source)}, '${waitingError}'), ${fault(source)} IS NULL, 1, :now
    FROM ${table} r WHERE ${range(sources[source], lane)} AND NOT ${givenUp(source)} AND (${fault(source)} IS NOT NULL
      OR EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.object_key = r.object_key AND q.resolved_at IS NULL
        AND ((q.source <> '${source}' AND q.waits = 0 AND r.${id} > :fresh_above) OR (q.source = '${source}' AND q.id < r.${id}))))
    ORDER BY r.${id}
    ${reopen}`;
}

/** The first row of a place that no statement takes, whatever is wrong with it; `plainly` where not even its columns can be written down. */
export function setAsideSql(source: SourceName, lane: Lane, plainly: boolean): string {
  const { table, id } = sources[source];
  const [key, row] = plainly ? ['NULL', `json_object('id', r.${id})`] : ['CAST(r.object_key AS TEXT)', columnsAsJson(source)];
  return `INSERT INTO handoff_quarantine (${quarantined})
    SELECT '${source}', r.${id}, ${key}, ${row}, :error, 0, 1, :now
    FROM ${table} r WHERE ${range(sources[source], lane)} AND NOT ${aside(source)} ORDER BY r.${id} LIMIT 1
    ${reopen}`;
}

const drained = `SELECT p.object_key, p.born_at, c.object_type FROM event_pending p LEFT JOIN governance_candidate_state c ON c.object_key = p.object_key
  WHERE p.event_type = ${objectBorn} AND (p.object_key, p.born_at) <= (:to_key, :to_born_at) AND ${notEmitted.replaceAll('r.', 'p.')}`;

/** Captured events of an active type go out in key order; pending and emitted change places in one transaction. */
export const drainSql = {
  bound: `SELECT object_key AS to_key, born_at AS to_born_at FROM event_pending WHERE event_type = ${objectBorn} ORDER BY object_key, born_at LIMIT 1 OFFSET :skip`,
  last: `SELECT object_key AS to_key, born_at AS to_born_at FROM event_pending WHERE event_type = ${objectBorn} ORDER BY object_key DESC, born_at DESC LIMIT 1`,
  outbox: outboxFrom(drained),
  emitted: `INSERT INTO handoff_emitted (event_type, object_key, born_at, emitted_at)
    SELECT ${objectBorn}, object_key, born_at, :now FROM (${drained}) WHERE true ORDER BY object_key, born_at ON CONFLICT DO NOTHING`,
  remove: `DELETE FROM event_pending WHERE event_type = ${objectBorn} AND (object_key, born_at) <= (:to_key, :to_born_at)`,
} as const;

/** Births of a range of ids without candidate, without event, and without either but not quarantined: the anti-join behind lag and healing. */
export function missingSql(source: SourceName): string {
  const { table, id } = sources[source];
  const born = source === 'birth_registry' ? '' : ` AND r.change = 'BORN'`;
  const noCandidate =
    'NOT EXISTS (SELECT 1 FROM governance_candidate_state c WHERE c.object_key = r.object_key AND c.born_at >= r.born_at)';
  return `SELECT coalesce(sum(no_candidate), 0) AS lag_rows, coalesce(sum(no_event), 0) AS unannounced_rows,
      coalesce(sum((no_candidate OR no_event) AND NOT held), 0) AS hole_rows FROM (
    SELECT ${noCandidate} AS no_candidate, NOT ${pending} AND ${notEmitted} AS no_event, ${aside(source)} AS held
    FROM ${table} r WHERE r.${id} > :low AND r.${id} <= :high${born} AND NOT ${givenUp(source)})`;
}

/**
 * So many rows above what was proved are proved by whoever asks for the state; the tail proves more without waiting for a heartbeat. Without
 * this bound a scrape of the metrics held the daemon up for ten seconds after a million births.
 */
export const provedAtOnce = 5_000;

/** The same count above what was proved already, for a status that stays cheap; a birth that stands in `counted` too counts there. */
export function missingSinceAuditSql(source: SourceName, counted?: string): string {
  const { table, id } = sources[source];
  const born = source === 'birth_registry' ? '' : ` AND r.change = 'BORN'`;
  const once =
    counted === undefined ? '' : ` AND NOT EXISTS (SELECT 1 FROM ${counted} b WHERE b.object_key = r.object_key AND b.born_at = r.born_at)`;
  return `SELECT coalesce(sum(no_candidate), 0) AS lag_rows, coalesce(sum(no_event), 0) AS unannounced_rows FROM (
    SELECT NOT EXISTS (SELECT 1 FROM governance_candidate_state c WHERE c.object_key = r.object_key AND c.born_at >= r.born_at) AS no_candidate,
      NOT ${pending} AND ${notEmitted} AS no_event
    FROM ${table} r WHERE r.${id} > (SELECT min(audited_upto) FROM handoff_cursor WHERE source = '${source}')
      AND r.${id} <= (SELECT min(audited_upto) FROM handoff_cursor WHERE source = '${source}') + ${provedAtOnce}${born}${once} AND NOT ${givenUp(source)})`;
}

/** Births beyond those rows that were not read yet: ids are given out without gaps, so nothing has to be looked at. */
export const unreadBeyondSql = `SELECT coalesce(max(0, (SELECT seq FROM births.sqlite_sequence WHERE name = 'birth_registry')
      - max(low_water, audited_upto + ${provedAtOnce})), 0) AS lag_rows, 0 AS unannounced_rows
    FROM handoff_cursor WHERE source = 'birth_registry'`;

function givenUpMain(source: SourceName, id: string): string {
  return `EXISTS (SELECT 1 FROM main.handoff_quarantine q WHERE q.source = '${source}' AND q.id = ${id} AND ${discarded})`;
}

/**
 * The view of the source's no-lost-handoff proof. It spans both files and SQLite refuses a stored view that does, so it is made, as
 * a TEMP view, on every connection that has births attached; nothing in it knows of a cursor. A birth that an operator discarded, on
 * record, is not counted.
 */
export const lagViewSql = `CREATE TEMP VIEW v_handoff_lag AS
  WITH born AS (
    SELECT b.object_key, b.born_at FROM births.birth_registry b WHERE NOT ${givenUpMain('birth_registry', 'b.birth_id')}
    UNION ALL
    SELECT c.object_key, c.born_at FROM births.registry_changelog c WHERE c.change = 'BORN'
      AND NOT EXISTS (SELECT 1 FROM births.birth_registry b WHERE b.object_key = c.object_key AND b.born_at = c.born_at)
      AND NOT ${givenUpMain('registry_changelog', 'c.id')}
  )
  SELECT count(*) AS births,
    coalesce(sum(NOT EXISTS (SELECT 1 FROM main.governance_candidate_state c WHERE c.object_key = born.object_key AND c.born_at >= born.born_at)), 0) AS lag_rows,
    coalesce(sum(NOT EXISTS (SELECT 1 FROM main.event_pending e WHERE e.event_type = ${objectBorn} AND e.object_key = born.object_key AND e.born_at = born.born_at)
      AND NOT EXISTS (SELECT 1 FROM main.handoff_emitted e WHERE e.event_type = ${objectBorn} AND e.object_key = born.object_key AND e.born_at = born.born_at)), 0) AS unannounced_rows
  FROM born`;

/** How far each source goes now: a proof page by page ends there, however fast births come. */
export const bornHeadsSql = Object.entries(sources)
  .map(([name, { table, id }]) => `SELECT '${name}' AS source, coalesce(max(${id}), 0) AS upto FROM ${table}`)
  .join(' UNION ALL ');

/** A page of what `v_handoff_lag` counts, in the order of ids: the same anti-join, for so many rows of one source. */
export function bornPageSql(source: SourceName): string {
  const { table, id } = sources[source];
  const counts =
    source === 'birth_registry'
      ? `NOT ${givenUp(source)}`
      : `CASE WHEN r.change <> 'BORN' OR ${givenUp(source)} THEN 0
           ELSE NOT EXISTS (SELECT 1 FROM ${sources.birth_registry.table} b WHERE b.object_key = r.object_key AND b.born_at = r.born_at) END`;
  const noCandidate =
    'NOT EXISTS (SELECT 1 FROM governance_candidate_state c WHERE c.object_key = r.object_key AND c.born_at >= r.born_at)';
  return `SELECT count(*) AS rows, coalesce(max(r.id), 0) AS last, coalesce(sum(r.counts), 0) AS births,
      coalesce(sum(CASE WHEN r.counts THEN ${noCandidate} END), 0) AS lag_rows,
      coalesce(sum(CASE WHEN r.counts THEN NOT ${pending} AND ${notEmitted} END), 0) AS unannounced_rows
    FROM (SELECT r.${id} AS id, r.object_key, r.born_at, ${counts} AS counts FROM ${table} r
      WHERE r.${id} > :after AND r.${id} <= :upto ORDER BY r.${id} LIMIT :limit) AS r`;
}
