import type { RunRow } from '@govctl/core/promotion';
import { listed, query } from '../db/index.ts';

type Scope = { run_id: string | null; since: string | null };

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
