import type { CandidateRow } from '@govctl/core/handoff';
import { type Query, query } from '../db/index.ts';

/** Reads of the handoff. */

export type CursorStatusRow = {
  source: string;
  shard: number;
  low_water: number;
  /** Grows with everything that is applied: whether the tail moved since this was read. */
  position: number;
  head: number;
  /** Rows that can be seen and were not read, where ids above the low water may have been read already. */
  unread_rows?: number;
  /** Ids read above the low water, which waits for transactions that are still open. */
  seen_rows?: number;
  /** Read, and beyond those that a status proves by itself. */
  unproved_rows?: number;
  /** Which transaction keeps the low water where it is, when that lasts. */
  blocker?: string | null;
  fence: number;
  last_poll_at: string | null;
  last_progress_at: string | null;
  last_settled_at: string | null;
  alarm: string | null;
  paused_at: string | null;
  paused_by: string | null;
  pause_reason: string | null;
};

type None = Record<never, never>;
export type LagRow = { births: number; lag_rows: number; unannounced_rows: number };

/** How far a source goes. */
export type BornHead = { source: 'birth_registry' | 'registry_changelog'; upto: number };
/** What so many rows of a source come to, and which was the last of them. */
export type BornPage = LagRow & { rows: number; last: number };

/** The reads that also look at the birth tables, which every store reaches in its own way. */
export type HandoffQueries = {
  cursorStatus(params: None): Query<CursorStatusRow>;
  /** Births above what was proved already, without candidate and without event. */
  missingSinceAudit(params: None): Query<{ lag_rows: number; unannounced_rows: number }>;
  /** `v_handoff_lag`: every birth ever. */
  handoffLag(params: None): Query<LagRow>;
  /** Where the same proof ends, read page by page; no source where it cannot be read so. */
  bornHeads(params: None): Query<BornHead>;
  /** A page of it, in the order of ids. */
  bornPage(source: BornHead['source'], params: { after: number; upto: number; limit: number }): Query<BornPage>;
};

export const openQuarantine = query<None, { quarantine: number }>(
  'open quarantine',
  'SELECT count(*) AS quarantine FROM handoff_quarantine WHERE resolved_at IS NULL',
);

export type EventTypeRow = { event_type: string; active: 0 | 1; changed_at: string | null; changed_by: string | null; pending: number };

export const eventTypes = query<None, EventTypeRow>(
  'event types',
  `SELECT t.event_type, t.active, t.changed_at, t.changed_by,
     (SELECT count(*) FROM event_pending p WHERE p.event_type = t.event_type) AS pending
   FROM event_type_registry t ORDER BY t.event_type`,
);

/** Without what is pending of it: counting that takes as long as there are captured events. */
export const eventTypeActive = query<{ event_type: string }, { active: 0 | 1 }>(
  'event type is active',
  'SELECT active FROM event_type_registry WHERE event_type = :event_type',
);

const candidateColumns =
  'object_key, object_type, state, dirty, born_at, retired_at, changelog_id, first_seen_at, last_seen_at, activated_at, decision_ref';

export const candidateByKey = query<{ object_key: string }, CandidateRow>(
  'candidate by key',
  `SELECT ${candidateColumns} FROM governance_candidate_state WHERE object_key = :object_key`,
);

/** A parameter that may be null is compared first: PostgreSQL types a parameter by its first use, and IS NULL tells none. */
export const candidatePage = query<{ after: string; status: string | null; object_type: string | null; limit: number }, CandidateRow>(
  'candidate page',
  `SELECT ${candidateColumns} FROM governance_candidate_state
   WHERE object_key > :after AND (object_type = :object_type OR :object_type IS NULL)
     AND (CASE WHEN retired_at IS NOT NULL AND (born_at IS NULL OR retired_at >= born_at) THEN 'retired'
               WHEN born_at IS NULL THEN 'unborn' ELSE state END = :status OR :status IS NULL)
   ORDER BY object_key LIMIT :limit`,
);

export type CandidateEventRow = { born_at: string; delivery: 'pending' | 'emitted'; at: string };

export const candidateEvents = query<{ object_key: string }, CandidateEventRow>(
  'events of a candidate',
  `SELECT born_at, 'pending' AS delivery, captured_at AS at FROM event_pending
     WHERE event_type = 'handoff.object_born' AND object_key = :object_key
   UNION ALL
   SELECT born_at, 'emitted' AS delivery, emitted_at AS at FROM handoff_emitted
     WHERE event_type = 'handoff.object_born' AND object_key = :object_key
   ORDER BY born_at`,
);

export type OspaRow = {
  authorization_id: string;
  scope: string;
  reason: string;
  authorized_by: string;
  authorized_at: string;
  evidence_ref: string;
};

export const ospaList = query<None, OspaRow>(
  'build authorizations',
  'SELECT authorization_id, scope, reason, authorized_by, authorized_at, evidence_ref FROM governance_build_authorization ORDER BY authorized_at, authorization_id',
);

export const ospaCount = query<{ object_key: string }, { ospa_count: number }>(
  'build authorizations of an object',
  `SELECT count(*) AS ospa_count FROM governance_build_authorization WHERE scope IN ('*', :object_key)`,
);
