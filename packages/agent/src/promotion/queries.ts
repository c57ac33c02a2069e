import type { RunRow } from '@govctl/core/promotion';
import { opaque, query } from '../db/index.ts';

const ofDataset = `tenant_id = ${opaque('tenant_id')} AND dataset_id = ${opaque('dataset_id')}`;
const ofTarget = `${ofDataset} AND layer = ${opaque('layer')}`;

type Target = { tenant_id: string; dataset_id: string };

export const runById = query<{ run_id: string }, RunRow>('run by id', 'SELECT * FROM run WHERE run_id = :run_id');

/** Everything about the dataset that is one row: its revision, the policy activation, the newest contract. */
export type DatasetFactRow = {
  dataset_revision: number | null;
  policy_activation: number;
  policy_rev: string | null;
  policy_packs: string | null;
  contract_version: number | null;
  contract_digest: string | null;
  contract_body: string | null;
  lock_fence: number | null;
  lock_holder: string | null;
  lock_expires_at: string | null;
  suspension_id: string | null;
  suspension_reason: string | null;
  suspended_at: string | null;
  suspended_by: string | null;
  suspension_ref: string | null;
};
export const datasetFact = query<Target & { lock_key: string }, DatasetFactRow>(
  'dataset fact',
  `SELECT (SELECT revision FROM dataset WHERE ${ofDataset}) AS dataset_revision,
          coalesce(p.activation, 0) AS policy_activation, p.policy_rev, p.packs AS policy_packs,
          c.version AS contract_version, c.digest AS contract_digest, c.body AS contract_body,
          l.fence AS lock_fence, l.holder AS lock_holder, l.expires_at AS lock_expires_at,
          s.suspension_id, s.reason AS suspension_reason, s.suspended_at, s.suspended_by, s.evidence_ref AS suspension_ref
   FROM (SELECT 1 AS one) AS base
   LEFT JOIN policy_activation p ON p.activation = (SELECT max(activation) FROM policy_activation)
   LEFT JOIN contract c ON c.contract_id = (SELECT contract_id FROM contract WHERE ${ofDataset} ORDER BY applied_at DESC, version DESC LIMIT 1)
     AND c.version = (SELECT max(version) FROM contract m WHERE m.contract_id = c.contract_id)
   LEFT JOIN lock l ON l.lock_key = ${opaque('lock_key')}
   LEFT JOIN tenant_suspension s ON s.tenant_id = ${opaque('tenant_id')} AND s.resumed_at IS NULL`,
);

export type SnapshotRow = {
  snapshot_id: string;
  tenant_id: string;
  dataset_id: string;
  layer: string;
  snapshot_hash: string;
  file_count: number;
  total_bytes: number;
  missing_objects: number;
  environment: string;
  service_release_id: string;
  created_at: string;
  verification: string;
  verified_at: string | null;
  quarantined_at: string | null;
  quarantine_reason: string | null;
  flagged_reason: string | null;
};
export const snapshotFact = query<{ snapshot_id: string }, SnapshotRow>(
  'snapshot fact',
  `SELECT snapshot_id, tenant_id, dataset_id, layer, snapshot_hash, file_count, total_bytes, missing_objects, environment, service_release_id, created_at,
          verification, verified_at, quarantined_at, quarantine_reason, flagged_reason
   FROM snapshot WHERE snapshot_id = :snapshot_id`,
);

export type QualityImportRow = {
  import_id: number;
  snapshot_id: string;
  source_kind: string;
  source_digest: string;
  imported_at: string;
  checks: string;
};
export const qualityImports = query<{ snapshot_id: string }, QualityImportRow>(
  'quality imports',
  `SELECT import_id, snapshot_id, source_kind, source_digest, imported_at, checks FROM quality_import WHERE snapshot_id = ${opaque('snapshot_id')} ORDER BY import_id`,
);

export type PointerRow = {
  layer: string;
  generation: number;
  snapshot_id: string;
  snapshot_hash: string;
  run_id: string;
  decision_ref: string;
  fence: number;
  moved_at: string;
};
export const activePointer = query<Target & { layer: string }, PointerRow>(
  'active pointer',
  `SELECT layer, generation, snapshot_id, snapshot_hash, run_id, decision_ref, fence, moved_at FROM pointer
   WHERE ${ofTarget} ORDER BY generation DESC LIMIT 1`,
);

export const openHolds = query<Target & { layer: string }, { hold_id: string; reason: string; run_id: string | null; placed_at: string }>(
  'open holds',
  `SELECT hold_id, reason, run_id, placed_at FROM hold
   WHERE ${ofTarget} AND lifted_at IS NULL ORDER BY placed_at, hold_id`,
);

export const openAudits = query<
  Target & { layer: string },
  { audit_id: string; run_id: string; owner: string; reason: string; opened_at: string; due_at: string }
>(
  'open audits',
  `SELECT audit_id, run_id, owner, reason, opened_at, due_at FROM pending_audit
   WHERE ${ofTarget} AND closed_at IS NULL ORDER BY due_at, audit_id`,
);

/** Approvals of the request and waivers of the dataset, in one query: one more round trip would be paid by every promotion. */
export type ExceptionRow = {
  said: 'approval' | 'waiver';
  id: string;
  actor_id: string;
  reason: string;
  at: string;
  expires_at: string;
  evidence_ref: string;
  verdict: string | null;
  role: string | null;
  snapshot_hash: string | null;
  target: string | null;
  policy_rev: string | null;
  overrides: string | null;
  used_by: string | null;
  rule: string | null;
  layer: string | null;
  snapshot_id: string | null;
};
export const exceptionFacts = query<Target & { run_id: string; layer: string; snapshot_id: string; since: string }, ExceptionRow>(
  'exception facts',
  `SELECT 'approval' AS said, approval_id AS id, actor_id, reason, given_at AS at, expires_at, evidence_ref, verdict, role, snapshot_hash, target, policy_rev,
          overrides, used_by, NULL AS rule, NULL AS layer, NULL AS snapshot_id
   FROM approval WHERE run_id = ${opaque('run_id')}
   UNION ALL
   SELECT 'waiver', waiver_id, granted_by, reason, granted_at, expires_at, evidence_ref, NULL, NULL, NULL, NULL, NULL, NULL, NULL, rule, layer, snapshot_id
   FROM waiver WHERE ${ofDataset} AND revoked_at IS NULL AND expires_at > ${opaque('since')}
     AND (layer IS NULL OR layer = ${opaque('layer')}) AND (snapshot_id IS NULL OR snapshot_id = ${opaque('snapshot_id')})
   ORDER BY 5, 2`,
);

export type ApprovalRow = {
  approval_id: string;
  run_id: string;
  verdict: 'approve' | 'reject';
  actor_id: string;
  role: string;
  snapshot_hash: string;
  target: string;
  policy_rev: string;
  reason: string;
  overrides: string;
  given_at: string;
  expires_at: string;
  evidence_ref: string;
  used_at: string | null;
  used_by: string | null;
};
export const approvalsOfRun = query<{ run_id: string }, ApprovalRow>(
  'approvals of run',
  `SELECT approval_id, run_id, verdict, actor_id, role, snapshot_hash, target, policy_rev, reason, overrides, given_at, expires_at, evidence_ref, used_at,
          used_by FROM approval WHERE run_id = :run_id ORDER BY given_at, approval_id`,
);

/** Earlier generations of a target, newest first, with what is known of their versions: where a rollback may go. */
export type EarlierVersionRow = PointerRow & { verification: string; quarantined_at: string | null };
export const earlierVersions = query<Target & { layer: string; before: number }, EarlierVersionRow>(
  'earlier versions',
  `SELECT p.layer, p.generation, p.snapshot_id, p.snapshot_hash, p.run_id, p.decision_ref, p.fence, p.moved_at, s.verification, s.quarantined_at
   FROM pointer p JOIN snapshot s ON s.snapshot_id = p.snapshot_id
   WHERE p.tenant_id = :tenant_id AND p.dataset_id = :dataset_id AND p.layer = :layer AND p.generation < :before
   ORDER BY p.generation DESC LIMIT 50`,
);

/** Deferred runs whose time has come, whose facts moved since they were judged, or whose job has ended. They stand in this order. */
export type DueRun = { run_id: string; next_eligible_at: string };
export const dueRuns = query<{ now: string; limit: number; after: string; after_run: string }, DueRun>(
  'due runs',
  `SELECT r.run_id, r.next_eligible_at FROM run r
   LEFT JOIN dataset d ON d.tenant_id = r.tenant_id AND d.dataset_id = r.dataset_id
   WHERE r.phase NOT IN ('COMPLETED', 'FAILED') AND r.kind <> 'job' AND r.status = 'deferred' AND r.next_eligible_at IS NOT NULL
     AND (r.next_eligible_at <= :now OR r.dataset_revision IS DISTINCT FROM d.revision
          OR r.policy_activation <> coalesce((SELECT max(activation) FROM policy_activation), 0)
          OR EXISTS (SELECT 1 FROM job_promotion l JOIN run j ON j.run_id = l.job_run_id
                     WHERE l.run_id = r.run_id AND j.phase IN ('COMPLETED', 'FAILED') AND j.updated_at >= r.updated_at))
     AND (r.next_eligible_at > :after OR (r.next_eligible_at = :after AND r.run_id > :after_run))
   ORDER BY r.next_eligible_at, r.run_id LIMIT :limit`,
);

const pausedFrom = (run: string) =>
  `SELECT * FROM ${run}
   WHERE phase NOT IN ('COMPLETED', 'FAILED') AND status = 'paused' AND run_id > :after ORDER BY run_id LIMIT :limit`;
/** Paused promotions and rollbacks; jobs are watched by what runs them. */
export const pausedRuns = query<{ after: string; limit: number }, RunRow>('paused runs', {
  // Asked every second: for the order alone SQLite would walk through every run there ever was.
  sqlite: pausedFrom('run INDEXED BY run_open'),
  postgres: pausedFrom('run'),
});

export const recordByRef = query<
  { ref: string },
  { leaf_index: number; ref: string; body: Uint8Array; payload: Uint8Array | null; covering_size: number | null }
>(
  'record by ref',
  `SELECT r.leaf_index, r.ref, r.body, p.payload, (SELECT min(size) FROM log_head WHERE size > r.leaf_index) AS covering_size
   FROM record r LEFT JOIN record_payload p ON p.leaf_index = r.leaf_index WHERE r.ref = :ref`,
);

export const promotionRows = query<
  {
    dataset_id: string | null;
    tenant_id: string | null;
    status: string | null;
    open: number | null;
    before: string;
    before_id: string;
    limit: number;
  },
  RunRow
>(
  'promotion rows',
  `SELECT * FROM run
   WHERE kind IN ('promotion', 'rollback') AND (:dataset_id IS NULL OR dataset_id = :dataset_id) AND (:tenant_id IS NULL OR tenant_id = :tenant_id)
     AND (:status IS NULL OR status = :status) AND (:open IS NULL OR CASE WHEN phase IN ('COMPLETED', 'FAILED') THEN 0 ELSE 1 END = :open)
     AND created_at <= :before AND (created_at < :before OR run_id > :before_id)
   ORDER BY created_at DESC, run_id LIMIT :limit`,
);
