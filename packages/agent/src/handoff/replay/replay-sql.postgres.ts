import { query } from '../../db/index.ts';
import type { SourceSql, SourcesSql } from '../source.postgres.ts';
import type { ReplayProof, ReplayQueries } from './port.ts';

const objectBorn = `'handoff.object_born'`;

const event = (table: string) =>
  `EXISTS (SELECT 1 FROM ${table} e WHERE e.event_type = ${objectBorn} AND e.object_key = r.object_key AND e.born_at = r.born_at OFFSET 0)`;

/** What the rows of a slice lack, and the ids of those that lack something. An open row of the quarantine, or a discarded one, lacks nothing. */
export function replayProofSql(source: SourceSql, keyed: boolean): string {
  const { id, name } = source;
  const registry = name === 'birth_registry';
  const only = keyed ? ` AND ${source.object_key} = :object_key` : '';
  const typed = registry ? ' AND c.object_type IS NOT NULL' : '';
  return `SELECT count(*) AS row_count, coalesce(max(id), 0) AS last_id, count(*) FILTER (WHERE candidate) AS candidates,
      count(*) FILTER (WHERE event) AS events, count(*) FILTER (WHERE change) AS changes, count(*) FILTER (WHERE held) AS held_rows,
      (range_agg(int8range(id, id, '[]')) FILTER (WHERE candidate OR event OR change))::text AS holes
    FROM (SELECT id, held, NOT held AND born AND known IS NOT TRUE AS candidate, NOT held AND born AND NOT announced AS event,
        NOT held AND NOT born AND applied IS NOT TRUE AS change
      FROM (SELECT r.id, r.change = 'BORN' AS born, (c.born_at >= r.born_at${typed}) AS known,
          ${event('event_pending')} OR ${event('handoff_emitted')} AS announced,
          CASE r.change WHEN 'RETIRED' THEN c.changelog_id >= r.id AND c.retired_at >= r.born_at ELSE c.changelog_id >= r.id END AS applied,
          r.fault IS NOT NULL OR EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${name}' AND q.id = r.id
            AND (q.resolved_at IS NULL OR q.resolution = 'discarded') OFFSET 0) AS held
        FROM (SELECT raw.*, ${source.fault('false')} AS fault FROM (SELECT ${id}::bigint AS id, ${source.object_key} AS object_key, ${source.change} AS change,
              ${source.born_at} AS born_at FROM ${source.table} r WHERE ${id} > (:low)::bigint AND ${id} <= (:high)::bigint${only} ORDER BY ${id} LIMIT :rows) AS raw) AS r
          LEFT JOIN LATERAL (SELECT * FROM governance_candidate_state c WHERE c.object_key = r.object_key LIMIT 1) AS c ON true) AS x) AS y`;
}

/** The rows that were read of the objects of some ids of a source: what was lost of an object may be more than the row that told of it. */
export function objectRowsSql(of: SourceSql, from: SourceSql): string {
  return `SELECT (range_agg(int8range(h.id, h.id, '[]')))::text AS ids FROM (
      SELECT ${of.id}::bigint AS id FROM ${of.table} r WHERE ${of.object_key} IN (
        SELECT k.object_key FROM unnest((:ids)::int8multirange) AS gap,
          LATERAL (SELECT ${from.object_key} AS object_key FROM ${from.table} r WHERE ${from.id} >= lower(gap) AND ${from.id} < upper(gap)) AS k)
      AND ${of.id} <= (SELECT min(k.low_water) FROM handoff_cursor k WHERE k.source = '${of.name}')) AS h`;
}

/** The tail's cursors, so that no batch of it runs at the same time; `read_upto` is where nothing older can appear any more. */
export const cursorsSql =
  'SELECT source, low_water AS read_upto, settled_upto FROM handoff_cursor WHERE shard = 0 ORDER BY source, shard FOR SHARE';

/** `sources` is asked each time: what the catalog says of them may change. */
export function postgresReplayQueries(sources: () => SourcesSql): ReplayQueries {
  return {
    prove: ({ source, object_key, ...slice }) =>
      query<typeof slice & { object_key: string | null }, ReplayProof>(
        'what a range lacks',
        `SELECT row_count, last_id, candidates, events, changes, held_rows FROM (${replayProofSql(sources()[source], object_key !== null)}) AS proof`,
      )({ ...slice, object_key }),
    span: ({ source, ...span }) => {
      const { id, table, object_key, born_at } = sources()[source];
      return query<typeof span, { first_id: number | null; last_id: number | null; row_count: number }>(
        'ids of a range',
        `SELECT min(${id})::bigint AS first_id, max(${id})::bigint AS last_id, count(*) AS row_count FROM ${table} r
         WHERE ${id} >= :from_id AND ${id} <= :to_id AND (${object_key} = :object_key OR :object_key IS NULL)
           AND (${born_at} >= :since OR :since IS NULL) AND (${born_at} <= :until OR :until IS NULL)`,
      )(span);
    },
  };
}
