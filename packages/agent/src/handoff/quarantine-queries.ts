import { query } from '../db/index.ts';

export type QuarantineRow = {
  readonly source: string;
  readonly id: number;
  readonly object_key: string | null;
  readonly row: string;
  readonly error: string;
  readonly waits: 0 | 1;
  readonly attempts: number;
  readonly first_seen_at: string;
  readonly last_attempt_at: string | null;
  readonly retry_asked_at: string | null;
  readonly resolved_at: string | null;
  readonly resolved_by: string | null;
  readonly resolution: string | null;
  readonly reason: string | null;
};

/** A parameter that may be null is compared first: PostgreSQL types a parameter by its first use, and IS NULL tells none. */
const selected =
  '(source = :source OR :source IS NULL) AND (id = :id OR :id IS NULL) AND (object_key = :object_key OR :object_key IS NULL)';
type Selector = { source: string | null; id: number | null; object_key: string | null };

const columns = `source, id, object_key, "row", error, waits, attempts, first_seen_at, last_attempt_at, retry_asked_at, resolved_at, resolved_by, resolution, reason`;

export const quarantinePage = query<
  {
    source: string | null;
    object_key: string | null;
    retry_ref: string | null;
    state: string;
    after_source: string;
    after_id: number;
    limit: number;
  },
  QuarantineRow
>(
  'quarantine page',
  `SELECT ${columns} FROM handoff_quarantine
   WHERE (source = :source OR :source IS NULL) AND (object_key = :object_key OR :object_key IS NULL) AND (retry_ref = :retry_ref OR :retry_ref IS NULL)
     AND (:state = 'all' OR (:state = 'open') = (resolved_at IS NULL)) AND (source, id) > (:after_source, :after_id)
   ORDER BY source, id LIMIT :limit`,
);

export type QuarantineCounts = { faulty: number; waiting: number; retrying: number; applied: number; discarded: number };

export const quarantineCounts = query<{ source: string | null; object_key: string | null; retry_ref: string | null }, QuarantineCounts>(
  'quarantine counts',
  `SELECT count(*) FILTER (WHERE resolved_at IS NULL AND retry_asked_at IS NULL AND waits = 0) AS faulty,
     count(*) FILTER (WHERE resolved_at IS NULL AND retry_asked_at IS NULL AND waits = 1) AS waiting,
     count(*) FILTER (WHERE resolved_at IS NULL AND retry_asked_at IS NOT NULL) AS retrying,
     count(*) FILTER (WHERE resolution IN ('retried', 'released')) AS applied,
     count(*) FILTER (WHERE resolution = 'discarded') AS discarded
   FROM handoff_quarantine
   WHERE (source = :source OR :source IS NULL) AND (object_key = :object_key OR :object_key IS NULL) AND (retry_ref = :retry_ref OR :retry_ref IS NULL)`,
);

export const quarantinedRow = query<{ source: string; id: number }, QuarantineRow>(
  'quarantined row',
  `SELECT ${columns} FROM handoff_quarantine WHERE source = :source AND id = :id`,
);

/** Open rows of the objects a retry names. */
export const rowsToRetry = query<Selector & { limit: number }, QuarantineRow>(
  'rows to retry',
  `SELECT ${columns} FROM handoff_quarantine
   WHERE resolved_at IS NULL AND ((${selected}) OR object_key IN (SELECT q.object_key FROM handoff_quarantine q WHERE q.resolved_at IS NULL AND ${selected}))
   ORDER BY waits, source, id LIMIT :limit`,
);

export const countToRetry = query<Selector, { asked: number }>(
  'count of rows to retry',
  `SELECT count(*) AS asked FROM handoff_quarantine
   WHERE resolved_at IS NULL AND ((${selected}) OR object_key IN (SELECT q.object_key FROM handoff_quarantine q WHERE q.resolved_at IS NULL AND ${selected}))`,
);

/** Faulty rows a discard names: it takes no row that only waits. */
export const rowsToDiscard = query<Selector & { limit: number }, QuarantineRow>(
  'rows to discard',
  `SELECT ${columns} FROM handoff_quarantine WHERE resolved_at IS NULL AND waits = 0 AND ${selected} ORDER BY source, id LIMIT :limit`,
);

/** How an object stands: what keeps it waiting, and what waits. */
export const openOfObject = query<{ object_key: string }, { faulty: number; waiting: number }>(
  'open rows of an object',
  `SELECT count(*) FILTER (WHERE waits = 0) AS faulty, count(*) FILTER (WHERE waits = 1) AS waiting
   FROM handoff_quarantine WHERE object_key = :object_key AND resolved_at IS NULL`,
);

/** Rows of the changelog that no prune takes. */
export const quarantinedIds = query<{ upto: number }, { id: number }>(
  'quarantined ids of the changelog',
  `SELECT id FROM handoff_quarantine WHERE source = 'registry_changelog' AND resolved_at IS NULL AND id <= :upto ORDER BY id`,
);

export type PruneRow = {
  readonly prune_id: string;
  readonly upto: number;
  readonly before_at: string | null;
  readonly planned_rows: number;
  readonly removed_rows: number;
  readonly walked_upto: number;
  readonly finished_at: string | null;
  readonly evidence_ref: string;
};

export const pruneById = query<{ prune_id: string }, PruneRow>(
  'prune',
  'SELECT prune_id, upto, before_at, planned_rows, removed_rows, walked_upto, finished_at, evidence_ref FROM handoff_prune WHERE prune_id = :prune_id',
);

/** Up to which id the changelog is read, settled and proved; and whether its ids can be relied on. */
export const pruneBound = query<Record<never, never>, { bound: number; alarm: string | null; pruned_upto: number }>(
  'prune bound',
  `SELECT CASE WHEN low_water < audited_upto THEN low_water ELSE audited_upto END AS bound, alarm, pruned_upto
   FROM handoff_cursor WHERE source = 'registry_changelog' ORDER BY 1`,
);
