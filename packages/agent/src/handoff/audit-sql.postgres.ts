import type { SourceName, SourceSql, SourcesSql } from './source.postgres.ts';
import { cursorOf, inGap, isEmitted, isPending } from './tail-sql.postgres.ts';

/** What the truth net asks: births against candidates and events, never a cursor. */

/** A row that an operator gave up, on record: never applied, and no lag. */
export function givenUp(source: SourceSql): string {
  return `EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${source.name}' AND q.id = ${source.id} AND q.resolution = 'discarded')`;
}

/**
 * Proves rows from one id on: which of them have not had their effect and are not quarantined (`holes`), and up to which id it looked.
 * A birth must have candidate and event, a retirement must be known, and no change may be newer than the newest applied one.
 */
export function auditSql(source: SourceSql): string {
  const births = `(c.born_at >= r.born_at) IS NOT TRUE OR NOT (${isPending('r')} OR ${isEmitted('r')})`;
  const changes = `CASE r.change WHEN 'BORN' THEN ${births} WHEN 'RETIRED' THEN (c.retired_at >= r.born_at AND c.changelog_id >= r.id) IS NOT TRUE
      ELSE (c.changelog_id >= r.id) IS NOT TRUE END`;
  return `WITH r AS MATERIALIZED (SELECT ${source.id}::bigint AS id, ${source.object_key} AS object_key, ${source.change} AS change, ${source.born_at} AS born_at
      FROM ${source.table} r WHERE ${source.id} > (:low)::bigint AND ${source.id} <= (:high)::bigint AND NOT ${givenUp(source)} ORDER BY ${source.id} LIMIT :rows)
    SELECT count(*) AS row_count, coalesce(max(id), 0) AS last_id, (range_agg(int8range(id, id, '[]')) FILTER (WHERE hole AND NOT held))::text AS holes,
      count(*) FILTER (WHERE hole AND held) AS held_count
    FROM (SELECT r.id, ${source.name === 'birth_registry' ? births : changes} AS hole,
        EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${source.name}' AND q.id = r.id AND q.resolved_at IS NULL OFFSET 0) AS held
      FROM r LEFT JOIN LATERAL (SELECT * FROM governance_candidate_state c WHERE c.object_key = r.object_key LIMIT 1) AS c ON true) AS x`;
}

/** The changelog's rows of the objects of some ids of a source: what has to be applied again when those are mended. */
export function historySql(sources: SourcesSql, name: SourceName): string {
  const [changelog, source] = [sources.registry_changelog, sources[name]];
  return `SELECT (range_agg(int8range(h.id, h.id, '[]')))::text AS ids FROM (
      SELECT ${changelog.id}::bigint AS id FROM ${changelog.table} r WHERE ${changelog.object_key} IN (
        SELECT k.object_key FROM unnest((:ids)::int8multirange) AS gap,
          LATERAL (SELECT ${source.object_key} AS object_key FROM ${source.table} r WHERE ${inGap(source)}) AS k)
      AND NOT ${givenUp(changelog)} AND ${changelog.id} <= (SELECT k.low_water FROM handoff_cursor k WHERE ${cursorOf('registry_changelog')})) AS h`;
}
