import type { GovernanceWrites } from '@govctl/core/policy';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of what decisions are made from. */
export const governanceWriteSql: Record<keyof GovernanceWrites, WriteSql> = {
  'dataset.touch': {
    sql: `INSERT INTO dataset (tenant_id, dataset_id, revision, created_at) VALUES (:tenant_id, :dataset_id, 1, :at)
          ON CONFLICT (tenant_id, dataset_id) DO UPDATE SET revision = dataset.revision + 1`,
    changes: 1,
    guard: 'dataset',
  },
  'contract.insert': {
    // The next version of this contract, and no other contract for the dataset.
    sql: `INSERT INTO contract (contract_id, version, tenant_id, dataset_id, digest, body, applied_at, applied_by)
          SELECT :contract_id, :version, :tenant_id, :dataset_id, :digest, :body, :applied_at, :applied_by
          WHERE coalesce((SELECT max(version) FROM contract WHERE contract_id = :contract_id), 0) = :version - 1
            AND NOT EXISTS (SELECT 1 FROM contract WHERE tenant_id = :tenant_id AND dataset_id = :dataset_id AND contract_id <> :contract_id)`,
    changes: 1,
    guard: 'contract-version-is-next',
  },
  'policy-pack.store': {
    sql: `INSERT INTO policy_pack (digest, name, version, source, stored_at) VALUES (:digest, :name, :version, :source, :stored_at)
          ON CONFLICT (digest) DO NOTHING`,
    changes: 'any',
    guard: 'policy-pack',
  },
  'policy.activate': {
    sql: `INSERT INTO policy_activation (activation, policy_rev, packs, activated_at, activated_by)
          SELECT :activation, :policy_rev, :packs, :activated_at, :activated_by
          WHERE coalesce((SELECT max(activation) FROM policy_activation), 0) = :activation - 1`,
    changes: 1,
    guard: 'policy-activation-is-next',
  },
  'waiver.insert': {
    sql: `INSERT INTO waiver (waiver_id, tenant_id, dataset_id, layer, snapshot_id, rule, subject, reason, granted_at, granted_by, expires_at, evidence_ref)
          VALUES (:waiver_id, :tenant_id, :dataset_id, :layer, :snapshot_id, :rule, :subject, :reason, :granted_at, :granted_by, :expires_at, :evidence_ref)
          ON CONFLICT (waiver_id) DO NOTHING`,
    changes: 1,
    guard: 'waiver-is-new',
  },
  'waiver.revoke': {
    sql: `UPDATE waiver SET revoked_at = :revoked_at, revoked_by = :revoked_by, revoke_reason = :revoke_reason
          WHERE waiver_id = :waiver_id AND revoked_at IS NULL`,
    changes: 1,
    guard: 'waiver-open',
  },
  'quality.import': {
    sql: `INSERT INTO quality_import (snapshot_id, source_kind, source_digest, imported_at, imported_by, checks)
          VALUES (:snapshot_id, :source_kind, :source_digest, :imported_at, :imported_by, :checks)`,
    changes: 1,
    guard: 'quality-import',
  },
};
