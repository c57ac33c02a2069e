import type { HandoffWrites } from '@govctl/core/handoff';
import type { WriteSql } from '../db/index.ts';

function activateCandidate({ cursors, alarmed, position }: { cursors: string; alarmed: string; position: string }): string {
  return `${cursors} UPDATE governance_candidate_state
          SET state = 'activated', dirty = 0, activated_at = :activated_at, decision_ref = :decision_ref
          WHERE object_key = :object_key AND state = 'captured' AND born_at = :born_at AND changelog_id = :changelog_id
            AND (retired_at IS NULL OR retired_at < born_at)
            AND EXISTS (SELECT 1 FROM governance_build_authorization WHERE scope IN ('*', :object_key))
            AND NOT EXISTS (${alarmed})
            AND (${position}) = :low_water_sum
            AND NOT EXISTS (SELECT 1 FROM event_type_registry t JOIN event_pending p ON p.event_type = t.event_type
                            WHERE t.active = 1 AND p.object_key = :object_key)`;
}

/** Columns that may be null in the selector are compared first: PostgreSQL types a parameter by its first use. */
const selected =
  'resolved_at IS NULL AND (source = :source OR :source IS NULL) AND (id = :id OR :id IS NULL) AND (object_key = :object_key OR :object_key IS NULL)';

/** Cursors in the order in which the tail holds them, so that the two wait for each other and never in a circle. */
function cursorUpdate(set: string, where: string): WriteSql['sql'] {
  return {
    sqlite: `UPDATE handoff_cursor SET ${set} WHERE ${where} RETURNING source`,
    postgres: `UPDATE handoff_cursor SET ${set} WHERE (source, shard) IN (SELECT source, shard FROM handoff_cursor WHERE ${where} ORDER BY source, shard FOR UPDATE)
          RETURNING source`,
  };
}

/** One statement per write of the handoff; the guard stands in its predicate. */
export const handoffWriteSql: Record<keyof HandoffWrites, WriteSql> = {
  'ospa.insert': {
    sql: `INSERT INTO governance_build_authorization (authorization_id, scope, reason, authorized_by, authorized_at, evidence_ref)
          SELECT :authorization_id, :scope, :reason, :authorized_by, :authorized_at, :evidence_ref
          WHERE NOT EXISTS (SELECT 1 FROM governance_build_authorization WHERE authorization_id = :authorization_id)`,
    changes: 1,
    guard: 'authorization-is-new',
  },
  'event-type.activate': {
    sql: `UPDATE event_type_registry SET active = 1, changed_at = :changed_at, changed_by = :changed_by
          WHERE event_type = :event_type AND active = 0`,
    changes: 1,
    guard: 'event-type-inactive',
  },
  'candidate.activate': {
    sql: {
      sqlite: activateCandidate({
        cursors: '',
        alarmed:
          'SELECT 1 FROM handoff_cursor WHERE alarm IS NOT NULL OR paused_at IS NOT NULL OR last_poll_at IS NULL OR last_poll_at < :polled_since',
        position: 'SELECT sum(low_water) FROM handoff_cursor',
      }),
      // The tail holds the cursors while it writes; locked here, nothing of it can come between this guard and the commit.
      postgres: activateCandidate({
        cursors: 'WITH k AS MATERIALIZED (SELECT * FROM handoff_cursor ORDER BY source, shard FOR SHARE)',
        alarmed: 'SELECT 1 FROM k WHERE alarm IS NOT NULL OR paused_at IS NOT NULL OR last_poll_at IS NULL OR last_poll_at < :polled_since',
        position: 'SELECT sum(applied_rows) FROM k',
      }),
    },
    changes: 1,
    guard: 'candidate-as-judged',
  },
  'handoff.resume': {
    sql: {
      sqlite: `UPDATE handoff_cursor SET
            low_water = CASE WHEN alarm LIKE '{"coverage":"drift"%' THEN 0 ELSE low_water END,
            audited_upto = CASE WHEN alarm LIKE '{"coverage":"drift"%' THEN 0 ELSE audited_upto END,
            walk_low = NULL, walk_upto = NULL, walk_key = NULL, walk_rows = 0, anchor = NULL, alarm = NULL
          WHERE alarm IS NOT NULL RETURNING source`,
      postgres: `UPDATE handoff_cursor SET
            low_water = CASE WHEN alarm LIKE '{"coverage":"drift"%' THEN 0 ELSE low_water END,
            settled_upto = CASE WHEN alarm LIKE '{"coverage":"drift"%' THEN 0 ELSE settled_upto END,
            audited_upto = CASE WHEN alarm LIKE '{"coverage":"drift"%' THEN 0 ELSE audited_upto END,
            seen = CASE WHEN alarm LIKE '{"coverage":"drift"%' THEN '{}' ELSE seen END,
            applied_rows = applied_rows + 1, next_id = NULL, source_files = NULL, source_epoch = NULL, anchor = NULL, alarm = NULL
          WHERE (source, shard) IN (SELECT source, shard FROM handoff_cursor WHERE alarm IS NOT NULL ORDER BY source, shard FOR UPDATE)
          RETURNING source`,
    },
    changes: 'row',
    guard: 'alarm-raised',
  },
  'candidate.forget-changelog': {
    sql: 'UPDATE governance_candidate_state SET changelog_id = 0 WHERE changelog_id > 0',
    changes: 'any',
    guard: 'none',
  },
  'handoff.mark-stale': {
    sql: {
      sqlite: `UPDATE handoff_cursor SET stale_since = :at
          WHERE stale_since IS NULL AND (last_poll_at IS NULL OR last_poll_at < :polled_before) RETURNING source`,
      postgres: `UPDATE handoff_cursor SET stale_since = :at WHERE (source, shard) IN (SELECT source, shard FROM handoff_cursor
            WHERE stale_since IS NULL AND (last_poll_at IS NULL OR last_poll_at < :polled_before) ORDER BY source, shard FOR UPDATE)
          RETURNING source`,
    },
    changes: 'row',
    guard: 'not-said-yet',
  },
  'handoff.quarantine-retry': {
    // A key is applied in order or not at all: all that stands aside of the objects is asked for.
    sql: `UPDATE handoff_quarantine SET retry_asked_at = :asked_at, retry_ref = :retry_ref
          WHERE (${selected}) OR (resolved_at IS NULL AND object_key IN (SELECT q.object_key FROM handoff_quarantine q WHERE ${selected}))
          RETURNING id`,
    changes: 'row',
    guard: 'quarantined',
  },
  'handoff.quarantine-discard': {
    sql: `UPDATE handoff_quarantine SET resolved_at = :resolved_at, resolved_by = :resolved_by, resolution = 'discarded', reason = :reason, retry_asked_at = NULL
          WHERE source = :source AND id = :id AND resolved_at IS NULL AND waits = 0`,
    changes: 1,
    guard: 'quarantined',
  },
  'handoff.quarantine-release': {
    sql: `UPDATE handoff_quarantine SET retry_asked_at = :asked_at
          WHERE object_key = :object_key AND resolved_at IS NULL AND waits = 1
            AND NOT EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.object_key = :object_key AND q.resolved_at IS NULL AND q.waits = 0)`,
    changes: 'any',
    guard: 'none',
  },
  'handoff.quarantine-reread': {
    sql: `UPDATE handoff_quarantine SET resolved_at = :resolved_at, resolved_by = :resolved_by, resolution = 'reread', retry_asked_at = NULL
          WHERE source = :source AND (resolved_at IS NULL OR resolution = 'discarded')`,
    changes: 'any',
    guard: 'none',
  },
  'handoff.pause': {
    sql: cursorUpdate('paused_at = :paused_at, paused_by = :paused_by, pause_reason = :pause_reason', 'paused_at IS NULL'),
    changes: 'row',
    guard: 'not-paused',
  },
  'handoff.unpause': {
    sql: cursorUpdate('paused_at = NULL, paused_by = NULL, pause_reason = NULL', 'paused_at = :paused_at'),
    changes: 'row',
    guard: 'paused-as-seen',
  },
  'handoff.prune-mark': {
    sql: cursorUpdate(
      'pruned_upto = CASE WHEN pruned_upto > :upto THEN pruned_upto ELSE :upto END',
      "source = 'registry_changelog' AND low_water >= :upto AND audited_upto >= :upto AND alarm IS NULL",
    ),
    changes: 'row',
    guard: 'settled-and-proved',
  },
  'handoff.prune-start': {
    sql: `INSERT INTO handoff_prune (prune_id, upto, before_at, planned_rows, walked_upto, reason, started_at, started_by, evidence_ref)
          VALUES (:prune_id, :upto, :before_at, :planned_rows, :walked_upto, :reason, :started_at, :started_by, :evidence_ref)`,
    changes: 1,
    guard: 'prune-is-new',
  },
  'handoff.prune-advance': {
    sql: `UPDATE handoff_prune SET walked_upto = :walked_upto, removed_rows = removed_rows + :removed, finished_at = :finished_at
          WHERE prune_id = :prune_id AND walked_upto = :from AND finished_at IS NULL`,
    changes: 1,
    guard: 'prune-as-seen',
  },
};
