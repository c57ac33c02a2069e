import { givenUp } from './audit-sql.postgres.ts';
import { type SourceName, type SourceSql, type SourcesSql, sourceNames } from './source.postgres.ts';
import { bySource, isEmitted, isPending, objectBorn, unread } from './tail-sql.postgres.ts';

/** Reads of the handoff's state that name the birth tables. */

const bornRows = (sources: SourcesSql, only: (source: SourceSql) => string) => {
  const [registry, changelog] = [sources.birth_registry, sources.registry_changelog];
  return `SELECT ${registry.object_key} AS object_key, ${registry.born_at} AS born_at FROM ${registry.table} r WHERE ${only(registry)} AND NOT ${givenUp(registry)}
    UNION ALL SELECT x.object_key, x.born_at FROM (
      SELECT ${changelog.object_key} AS object_key, ${changelog.born_at} AS born_at FROM ${changelog.table} r WHERE ${changelog.change} = 'BORN' AND ${only(changelog)} AND NOT ${givenUp(changelog)}) AS x
    WHERE NOT EXISTS (SELECT 1 FROM ${registry.table} r WHERE ${registry.object_key} = x.object_key AND ${registry.born_at} = x.born_at)`;
};

const lagOf = (born: string) => `WITH born AS (${born})
  SELECT count(*) AS births, count(*) FILTER (WHERE (c.born_at >= b.born_at) IS NOT TRUE) AS lag_rows,
    count(*) FILTER (WHERE p.object_key IS NULL AND e.object_key IS NULL) AS unannounced_rows
  FROM born b LEFT JOIN governance_candidate_state c ON c.object_key = b.object_key
    LEFT JOIN event_pending p ON p.event_type = ${objectBorn} AND p.object_key = b.object_key AND p.born_at = b.born_at
    LEFT JOIN handoff_emitted e ON e.event_type = ${objectBorn} AND e.object_key = b.object_key AND e.born_at = b.born_at`;

/** The no-lost-handoff proof, `v_handoff_lag`: every birth ever against candidates and events. Nothing in it knows of a cursor. */
export function lagSql(sources: SourcesSql): string {
  return lagOf(bornRows(sources, () => 'true'));
}

/** The same count above what was proved already, for a status that stays cheap. */
export function missingSinceAuditSql(sources: SourcesSql): string {
  const unproved = (source: SourceSql) =>
    `${source.id} > (SELECT min(k.audited_upto) FROM handoff_cursor k WHERE k.source = '${source.name}')`;
  return `SELECT lag_rows, unannounced_rows FROM (${lagOf(bornRows(sources, unproved))}) AS lag`;
}

/**
 * How far each source goes, for the same proof page by page. None where births cannot be found by their key: every page would read the
 * whole registry, and one statement reads it once.
 */
export function bornHeadsSql(sources: SourcesSql): string {
  const heads = sourceNames.map(
    (name) => `SELECT '${name}' AS source, coalesce(max(${sources[name].id}), 0)::bigint AS upto FROM ${sources[name].table} r`,
  );
  return sources.birth_registry.by_key ? heads.join(' UNION ALL ') : `SELECT '' AS source, 0::bigint AS upto WHERE false`;
}

/** A page of what `lagSql` counts, in the order of ids: the same anti-join, for so many rows of one source. */
export function bornPageSql(sources: SourcesSql, name: SourceName): string {
  const [source, registry] = [sources[name], sources.birth_registry];
  const inRegistry = `EXISTS (SELECT 1 FROM ${registry.table} r WHERE ${registry.object_key} = x.object_key AND ${registry.born_at} = x.born_at OFFSET 0)`;
  const counts = name === 'birth_registry' ? 'NOT x.given_up' : `x.change = 'BORN' AND NOT x.given_up AND NOT ${inRegistry}`;
  return `WITH x AS MATERIALIZED (SELECT ${source.id}::bigint AS id, ${source.object_key} AS object_key, ${source.born_at} AS born_at, ${source.change} AS change,
        ${givenUp(source)} AS given_up
      FROM ${source.table} r WHERE ${source.id} > (:after)::bigint AND ${source.id} <= (:upto)::bigint ORDER BY ${source.id} LIMIT :limit),
    b AS MATERIALIZED (SELECT x.id, x.object_key, x.born_at, coalesce(${counts}, false) AS counts FROM x)
    SELECT count(*) AS rows, coalesce(max(b.id), 0) AS last, count(*) FILTER (WHERE b.counts) AS births,
      count(*) FILTER (WHERE b.counts AND (c.born_at >= b.born_at) IS NOT TRUE) AS lag_rows,
      count(*) FILTER (WHERE b.counts AND NOT (${isPending('b')} OR ${isEmitted('b')})) AS unannounced_rows
    FROM b LEFT JOIN LATERAL (SELECT k.born_at FROM governance_candidate_state k WHERE k.object_key = b.object_key LIMIT 1) AS c ON true`;
}

/** The cursors as an operator sees them. */
export function cursorStatusSql(sources: SourcesSql): string {
  const all = sourceNames.map((name) => sources[name]);
  const head = bySource(all, (source) => source.head, 'k.low_water');
  const unreadSql = bySource(all, (source) => unread(source), 'false');
  return `SELECT source, shard, low_water, position, greatest(head, low_water, last_seen) AS head,
      CASE WHEN unread THEN greatest(1, head - low_water - seen_rows) ELSE 0 END AS unread_rows, seen_rows,
      blocker, fence, last_poll_at, last_progress_at, last_settled_at, alarm, paused_at, paused_by, pause_reason
    FROM (SELECT k.*, k.applied_rows AS position, ${head} AS head, ${unreadSql} AS unread, coalesce(upper(k.seen) - 1, 0) AS last_seen,
        (SELECT coalesce(sum(upper(x) - lower(x)), 0)::bigint FROM unnest(k.seen) AS x) AS seen_rows FROM handoff_cursor k) AS k ORDER BY source, shard`;
}
