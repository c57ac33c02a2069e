/** The writes of what decisions are made from: contracts, packs, snapshots, quality results, holds, audits, keys. */
export type GovernanceWrites = {
  /** The dataset row exists and its revision grows by one: every fact change of a dataset carries this. */
  'dataset.touch': { readonly tenant_id: string; readonly dataset_id: string; readonly at: string };
  'contract.insert': {
    readonly contract_id: string;
    readonly version: number;
    readonly tenant_id: string;
    readonly dataset_id: string;
    readonly digest: string;
    readonly body: string;
    readonly applied_at: string;
    readonly applied_by: string;
  };
  'policy-pack.store': {
    readonly digest: string;
    readonly name: string;
    readonly version: string;
    readonly source: string;
    readonly stored_at: string;
  };
  /** The primary key is the compare-and-set against a concurrent activation. */
  'policy.activate': {
    readonly activation: number;
    readonly policy_rev: string;
    readonly packs: string;
    readonly activated_at: string;
    readonly activated_by: string;
  };
  'waiver.insert': {
    readonly waiver_id: string;
    readonly tenant_id: string;
    readonly dataset_id: string;
    readonly layer: string | null;
    readonly snapshot_id: string | null;
    readonly rule: string;
    readonly subject: string;
    readonly reason: string;
    readonly granted_at: string;
    readonly granted_by: string;
    readonly expires_at: string;
    readonly evidence_ref: string;
  };
  'waiver.revoke': {
    readonly waiver_id: string;
    readonly revoked_at: string;
    readonly revoked_by: string;
    readonly revoke_reason: string;
  };
  'quality.import': {
    readonly snapshot_id: string;
    readonly source_kind: string;
    readonly source_digest: string;
    readonly imported_at: string;
    readonly imported_by: string;
    readonly checks: string;
  };
};
