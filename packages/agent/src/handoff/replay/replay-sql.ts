import type { ReplayRange } from '@govctl/core/handoff';
import { query } from '../../db/index.ts';
import { sources, tailSql } from '../tail-sql.ts';
import type { ReplayProof, ReplayQueries, ReplaySlice, ReplaySpan } from './port.ts';

type Source = ReplayRange['source'];

const objectBorn = `'handoff.object_born'`;

/** An open row of the quarantine, or one that was given up for ever: neither is run again. */
function aside(source: Source): string {
  return `EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${source}' AND q.id = r.${sources[source].id}
    AND (q.resolved_at IS NULL OR q.resolution = 'discarded'))`;
}

const candidate = (what: string) => `EXISTS (SELECT 1 FROM governance_candidate_state c WHERE c.object_key = r.object_key AND ${what})`;
const event = (table: string) =>
  `EXISTS (SELECT 1 FROM ${table} e WHERE e.event_type = ${objectBorn} AND e.object_key = r.object_key AND e.born_at = r.born_at)`;

function place(source: Source, keyed: boolean): string {
  const { id } = sources[source];
  // The unary plus keeps the planner off the id index where the rows of one object are asked for.
  return keyed ? `r.object_key = :object_key AND +r.${id} > :low AND +r.${id} <= :high` : `r.${id} > :low AND r.${id} <= :high`;
}

function proof(source: Source, keyed: boolean): string {
  const { table, id } = sources[source];
  const registry = source === 'birth_registry';
  const change = registry ? `'BORN'` : 'r.change';
  const known = candidate(registry ? 'c.born_at >= r.born_at AND c.object_type IS NOT NULL' : 'c.born_at >= r.born_at');
  const retired = candidate(`c.changelog_id >= r.${id} AND c.retired_at >= r.born_at`);
  return `SELECT row_id, object_key, held, NOT held AND born AND NOT known AS candidate, NOT held AND born AND NOT announced AS event,
      NOT held AND NOT born AND NOT applied AS change FROM (
    SELECT r.${id} AS row_id, r.object_key, ${change} = 'BORN' AS born, ${aside(source)} AS held, ${known} AS known,
      ${event('event_pending')} OR ${event('handoff_emitted')} AS announced,
      CASE ${change} WHEN 'RETIRED' THEN ${retired} WHEN 'CHANGED' THEN ${candidate(`c.changelog_id >= r.${id}`)} ELSE true END AS applied
    FROM ${table} r WHERE ${place(source, keyed)} ORDER BY r.${id} LIMIT :rows)`;
}

const counted = `count(*) AS row_count, coalesce(max(row_id), 0) AS last_id, coalesce(sum(candidate), 0) AS candidates,
  coalesce(sum(event), 0) AS events, coalesce(sum(change), 0) AS changes, coalesce(sum(held), 0) AS held_rows`;

/** What the rows of a slice lack, and the objects of those that lack something. */
export function replayProofSql(source: Source, keyed: boolean): string {
  return `SELECT ${counted}, json_group_array(DISTINCT object_key) FILTER (WHERE candidate OR event OR change) AS keys FROM (${proof(source, keyed)})`;
}

const restore = tailSql('key', true);

/**
 * All that was read of one object, applied again. An object that lost something may have lost more than the rows of a range tell of, so
 * its whole history is run: candidates as the tail makes them; events into event_pending alone, from where the tail delivers them in
 * their order when their type is active.
 */
export const restoreSql = {
  /** The key before this one: the span of the two is this object and no other. */
  keyBefore: `SELECT max(k) AS after_key FROM (
      SELECT max(object_key) AS k FROM ${sources.birth_registry.table} WHERE object_key < :key
      UNION ALL SELECT max(object_key) FROM ${sources.registry_changelog.table} WHERE object_key < :key)`,
  capture: { birth_registry: capture('birth_registry'), registry_changelog: capture('registry_changelog') },
  candidates: {
    birth_registry: [restore.births.candidates],
    registry_changelog: [restore.changelog.candidates, restore.changelog.changed],
  },
} as const;

function capture(source: Source): string {
  const { table, id } = sources[source];
  const born = source === 'birth_registry' ? '' : ` AND r.change = 'BORN'`;
  return `INSERT INTO event_pending (event_type, object_key, born_at, captured_at)
    SELECT ${objectBorn}, r.object_key, r.born_at, :now FROM ${table} r
    WHERE r.object_key = :key AND +r.${id} <= :high${born} AND NOT ${event('handoff_emitted')} AND NOT ${aside(source)} ORDER BY r.born_at
    ON CONFLICT DO NOTHING`;
}

/** On a connection with births attached (`attachBirths`). */
export const sqliteReplayQueries: ReplayQueries = {
  prove: ({ source, object_key, ...slice }: ReplaySlice) =>
    query<Omit<ReplaySlice, 'source'>, ReplayProof>(
      'what a range lacks',
      `SELECT ${counted} FROM (${proof(source, object_key !== null)})`,
    )({ ...slice, object_key }),
  span: ({ source, ...span }) => {
    const { table, id } = sources[source];
    return query<
      Omit<ReplaySpan, 'source'> & { from_id: number; to_id: number },
      { first_id: number | null; last_id: number | null; row_count: number }
    >(
      'ids of a range',
      `SELECT min(r.${id}) AS first_id, max(r.${id}) AS last_id, count(*) AS row_count FROM ${table} r
       WHERE r.${id} >= :from_id AND r.${id} <= :to_id AND (:object_key IS NULL OR r.object_key = :object_key)
         AND (:since IS NULL OR r.born_at >= :since) AND (:until IS NULL OR r.born_at <= :until)`,
    )(span);
  },
};
