import type { RunRow } from '@govctl/core/promotion';
import { listed, query } from '../db/index.ts';

export const runsToReconcile = query<{ run_id: string | null; since: string | null; after: string; limit: number }, RunRow>(
  'runs to reconcile',
  `SELECT * FROM run
   WHERE run_id > :after AND (:run_id IS NULL OR run_id = :run_id)
     AND (:since IS NULL OR updated_at >= :since OR phase NOT IN ('COMPLETED', 'FAILED'))
   ORDER BY run_id LIMIT :limit`,
);

type Scope = { run_id: string | null; since: string | null };

/** Pointers without the decision or promotion record they name. */
export const pointersWithoutLeaf = query<
  Scope,
  { tenant_id: string; dataset_id: string; layer: string; generation: number; run_id: string; moved_at: string; lacks: string }
>(
  'pointers without leaf',
  `SELECT p.tenant_id, p.dataset_id, p.layer, p.generation, p.run_id, p.moved_at,
          CASE WHEN d.ref IS NULL THEN 'decision' ELSE 'promotion' END AS lacks
   FROM pointer p
   LEFT JOIN run r ON r.run_id = p.run_id
   LEFT JOIN record d ON d.ref = p.decision_ref AND d.kind = 'decision'
   LEFT JOIN record e ON e.ref = r.evidence_ref AND e.kind = 'promotion' AND e.run_id = p.run_id
   WHERE (:run_id IS NULL OR p.run_id = :run_id) AND (:since IS NULL OR p.moved_at >= :since) AND (d.ref IS NULL OR e.ref IS NULL)`,
);
/** Promotion records whose pointer move is not there: evidence of something that did not happen. */
export const leavesWithoutPointer = query<Scope, { ref: string; run_id: string | null; recorded_at: string }>(
  'leaves without pointer',
  `SELECT e.ref, e.run_id, e.recorded_at FROM record e
   WHERE e.kind = 'promotion' AND (:run_id IS NULL OR e.run_id = :run_id) AND (:since IS NULL OR e.recorded_at >= :since)
     AND NOT EXISTS (SELECT 1 FROM run r JOIN pointer p ON p.tenant_id = r.tenant_id AND p.dataset_id = r.dataset_id AND p.layer = r.to_layer AND p.run_id = r.run_id
                     WHERE r.run_id = e.run_id AND r.evidence_ref = e.ref)`,
);
export const pointerCount = query<Scope, { pointers: number }>(
  'pointer count',
  'SELECT count(*) AS pointers FROM pointer WHERE (:run_id IS NULL OR run_id = :run_id) AND (:since IS NULL OR moved_at >= :since)',
);
/** Runs that ended without the record their row names. */
export const runsWithoutRecord = query<Scope, { run_id: string; decision_ref: string; updated_at: string }>(
  'runs without record',
  `SELECT r.run_id, r.decision_ref, r.updated_at FROM run r
   WHERE r.decision_ref IS NOT NULL AND (:run_id IS NULL OR r.run_id = :run_id) AND (:since IS NULL OR r.updated_at >= :since)
     AND NOT EXISTS (SELECT 1 FROM record d WHERE d.ref = r.decision_ref)`,
);

export const activeSnapshots = query<
  { run_id: string | null },
  {
    tenant_id: string;
    dataset_id: string;
    layer: string;
    snapshot_id: string;
    snapshot_hash: string;
    moved_at: string;
    quarantined_at: string | null;
    verification: string | null;
  }
>(
  'active snapshots',
  `SELECT p.tenant_id, p.dataset_id, p.layer, p.snapshot_id, p.snapshot_hash, p.moved_at, s.quarantined_at, s.verification
   FROM pointer p LEFT JOIN snapshot s ON s.snapshot_id = p.snapshot_id
   WHERE (:run_id IS NULL OR p.run_id = :run_id)
     AND p.generation = (SELECT max(q.generation) FROM pointer q WHERE q.tenant_id = p.tenant_id AND q.dataset_id = p.dataset_id AND q.layer = p.layer)`,
);

export const outboxBacklog = query<{ before: string }, { rows: number; oldest: string | null }>('outbox backlog', {
  // Positions are given in commit order: what waits for one comes after the last row that has one.
  sqlite: `SELECT count(*) AS rows, min(committed_at) AS oldest FROM outbox
   WHERE outbox_id > coalesce((SELECT outbox_id FROM outbox_position ORDER BY first_position DESC LIMIT 1), 0) AND committed_at < :before`,
  postgres: `SELECT count(*) AS rows, min(o.committed_at) AS oldest FROM outbox_waiting w JOIN outbox o ON o.outbox_id = w.outbox_id
   WHERE o.committed_at < :before`,
});
export const expiredLocks = query<{ now: string }, { lock_key: string; fence: number; holder: string; expires_at: string }>(
  'expired locks',
  'SELECT lock_key, fence, holder, expires_at FROM lock WHERE holder IS NOT NULL AND expires_at <= :now',
);
export const heldLocks = query<Record<string, never>, { locks: number }>(
  'held locks',
  'SELECT count(*) AS locks FROM lock WHERE holder IS NOT NULL',
);
export const overdueAudits = query<
  { now: string },
  { audit_id: string; run_id: string; dataset_id: string; layer: string; owner: string; due_at: string }
>(
  'overdue audits',
  'SELECT audit_id, run_id, dataset_id, layer, owner, due_at FROM pending_audit WHERE closed_at IS NULL AND due_at <= :now ORDER BY due_at',
);
export const openAuditCount = query<Record<string, never>, { audits: number }>(
  'open audit count',
  'SELECT count(*) AS audits FROM pending_audit WHERE closed_at IS NULL',
);

/** Runs whose decision is made and whose effect is not complete: an intent that somebody has to finish or give up. */
export const openIntents = query<Scope & { before: string }, RunRow>(
  'open intents',
  `SELECT * FROM run WHERE phase NOT IN ('COMPLETED', 'FAILED') AND phase = 'FINALIZING' AND updated_at <= :before
     AND (:run_id IS NULL OR run_id = :run_id) AND (:since IS NULL OR updated_at >= :since)`,
);

/** What was done for a run that is not there: each is the ack of an action nobody expected. */
export const actsOfUnknownRuns = query<
  Scope,
  { run_id: string; tenant_id: string; dataset_id: string | null; domain: string; action: string; result_id: string; at: string }
>(
  'acts of unknown runs',
  `SELECT i.run_id, i.tenant_id, i.dataset_id, 'incidents' AS domain, 'create_incident' AS action, i.incident_id AS result_id, i.opened_at AS at
   FROM incident i
   WHERE i.run_id IS NOT NULL AND (:run_id IS NULL OR i.run_id = :run_id) AND (:since IS NULL OR i.opened_at >= :since)
     AND NOT EXISTS (SELECT 1 FROM run r WHERE r.run_id = i.run_id)
   UNION ALL
   SELECT e.run_id, e.tenant_id, e.dataset_id,
          CASE e.kind WHEN 'decision' THEN 'policies' WHEN 'promotion' THEN 'store' ELSE 'orchestrator' END,
          CASE e.kind WHEN 'decision' THEN 'evaluate_policy' WHEN 'promotion' THEN 'promote' ELSE 'finalize_run' END, e.ref, e.recorded_at
   FROM record e
   WHERE e.kind IN ('decision', 'promotion', 'run-result') AND e.run_id IS NOT NULL AND (:run_id IS NULL OR e.run_id = :run_id)
     AND (:since IS NULL OR e.recorded_at >= :since) AND NOT EXISTS (SELECT 1 FROM run r WHERE r.run_id = e.run_id)
   LIMIT 1000`,
);

/** What of these runs was told of before; `run_ids` is a JSON array. */
export const toldFindings = query<{ run_ids: string }, { run_id: string; class: string; domain: string; action: string }>(
  'told findings',
  listed('run_ids', (ids) => `SELECT run_id, class, domain, action FROM audit_finding WHERE run_id IN (${ids})`),
);

/** Acks of units that were undone. */
export const undoneAcks = query<
  { run_id: string },
  { domain: string; action: string; result_id: string | null; rollback_reason: string | null; metadata: string; at: string }
>(
  'undone acks',
  `SELECT domain, action, result_id, rollback_reason, metadata, at FROM audit_ack WHERE run_id = :run_id AND status = 'ROLLED_BACK' ORDER BY ack_id`,
);
