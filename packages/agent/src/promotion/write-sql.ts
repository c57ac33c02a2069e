import type { PromotionWrites } from '@govctl/core/promotion';
import { opaque, type WriteSql } from '../db/index.ts';

/** One statement per write of runs, pointers and locks. */
export const promotionWriteSql: Record<keyof PromotionWrites, WriteSql> = {
  'run.insert': {
    sql: `INSERT INTO run (run_id, kind, tenant_id, dataset_id, from_layer, to_layer, snapshot_id, actor_id, request_digest, phase, status, revision,
            created_at, updated_at, next_eligible_at, defer_until, decision, decision_ref, evidence_ref, dataset_revision, policy_activation, state)
          VALUES (:run_id, :kind, :tenant_id, :dataset_id, :from_layer, :to_layer, :snapshot_id, :actor_id, :request_digest, :phase, :status, :revision,
            :created_at, :updated_at, :next_eligible_at, :defer_until, :decision, :decision_ref, :evidence_ref, :dataset_revision, :policy_activation, :state)
          ON CONFLICT (run_id) DO NOTHING`,
    changes: 1,
    guard: 'run-is-new',
  },
  'run.advance': {
    sql: `UPDATE run SET phase = :phase, status = :status, revision = revision + 1, updated_at = :updated_at, next_eligible_at = :next_eligible_at,
            defer_until = :defer_until, decision = :decision, decision_ref = :decision_ref, evidence_ref = :evidence_ref,
            dataset_revision = :dataset_revision, policy_activation = :policy_activation, state = :state
          WHERE run_id = :run_id AND revision = :expected_revision`,
    changes: 1,
    guard: 'run-unchanged',
  },
  'promotion.guard': {
    // Every fact a decision used, compared in one statement.
    sql: `SELECT 1 FROM dataset
          WHERE tenant_id = :tenant_id AND dataset_id = :dataset_id AND revision = :dataset_revision
            AND coalesce((SELECT max(activation) FROM policy_activation), 0) = :policy_activation`,
    changes: 'row',
    guard: 'facts-unchanged',
  },
  'pointer.move': {
    sql: `INSERT INTO pointer (tenant_id, dataset_id, layer, generation, snapshot_id, snapshot_hash, run_id, decision_ref, fence, moved_at)
          SELECT :tenant_id, :dataset_id, :layer, :generation, :snapshot_id, :snapshot_hash, :run_id, :decision_ref, :fence, :moved_at
          WHERE coalesce((SELECT max(generation) FROM pointer
                         WHERE tenant_id = ${opaque('tenant_id')} AND dataset_id = ${opaque('dataset_id')} AND layer = ${opaque('layer')}), 0) = :generation - 1
            AND NOT EXISTS (SELECT 1 FROM lock WHERE lock_key = :lock_key AND fence > :fence)`,
    changes: 1,
    guard: 'pointer-unmoved',
  },
  'lock.pass': {
    sql: `INSERT INTO lock (lock_key, fence) SELECT :lock_key, :expected_fence + 1
          WHERE :expected_fence = 0 OR EXISTS (SELECT 1 FROM lock WHERE lock_key = :lock_key)
          ON CONFLICT (lock_key) DO UPDATE SET fence = lock.fence + 1, holder = NULL, acquired_at = NULL, expires_at = NULL
          WHERE lock.fence = :expected_fence AND (lock.holder IS NULL OR lock.expires_at <= :at)`,
    changes: 1,
    guard: 'lock-free',
  },
  'snapshot.quarantine': {
    sql: `UPDATE snapshot SET quarantined_at = :at, quarantine_reason = :reason, quarantine_run_id = :run_id WHERE snapshot_id = :snapshot_id`,
    changes: 1,
    guard: 'snapshot-exists',
  },
  'hold.place': {
    sql: `INSERT INTO hold (hold_id, tenant_id, dataset_id, layer, reason, run_id, placed_at, placed_by)
          VALUES (:hold_id, :tenant_id, :dataset_id, :layer, :reason, :run_id, :placed_at, :placed_by)`,
    changes: 1,
    guard: 'hold-is-new',
  },
  'hold.lift': {
    sql: 'UPDATE hold SET lifted_at = :lifted_at, lifted_by = :lifted_by, lift_reason = :lift_reason WHERE hold_id = :hold_id AND lifted_at IS NULL',
    changes: 1,
    guard: 'hold-open',
  },
  'audit.open': {
    sql: `INSERT INTO pending_audit (audit_id, run_id, tenant_id, dataset_id, layer, owner, reason, opened_at, due_at)
          VALUES (:audit_id, :run_id, :tenant_id, :dataset_id, :layer, :owner, :reason, :opened_at, :due_at)`,
    changes: 1,
    guard: 'audit-is-new',
  },
  'audit.close': {
    sql: 'UPDATE pending_audit SET closed_at = :closed_at, closed_by = :closed_by, close_reason = :close_reason WHERE audit_id = :audit_id AND closed_at IS NULL',
    changes: 1,
    guard: 'audit-open',
  },
  'approval.insert': {
    sql: `INSERT INTO approval (approval_id, run_id, tenant_id, dataset_id, verdict, actor_id, authenticated_by, role, snapshot_hash, target, policy_rev,
            reason, overrides, given_at, expires_at, evidence_ref)
          SELECT :approval_id, :run_id, :tenant_id, :dataset_id, :verdict, :actor_id, :authenticated_by, :role, :snapshot_hash, :target, :policy_rev,
            :reason, :overrides, :given_at, :expires_at, :evidence_ref
          WHERE EXISTS (SELECT 1 FROM run WHERE run_id = :run_id AND phase NOT IN ('COMPLETED', 'FAILED'))`,
    changes: 1,
    guard: 'run-is-open',
  },
  'approval.use': {
    sql: 'UPDATE approval SET used_at = :used_at, used_by = :used_by WHERE approval_id = :approval_id AND used_at IS NULL',
    changes: 1,
    guard: 'approval-unused',
  },
  'lock.release': {
    sql: 'UPDATE lock SET holder = NULL, expires_at = NULL WHERE lock_key = :lock_key AND fence = :fence',
    changes: 1,
    guard: 'lock-held',
  },
};
