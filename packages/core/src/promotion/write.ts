/** The writes of runs, pointers and locks; values are rows in the words of the tables. */
export type PromotionWrites = {
  'run.insert': RunRow;
  /** Compare-and-set on `revision`: the run is still as it was read. */
  'run.advance': {
    readonly run_id: string;
    readonly expected_revision: number;
    readonly phase: string;
    readonly status: string;
    readonly updated_at: string;
    readonly next_eligible_at: string | null;
    readonly defer_until: string | null;
    readonly decision: string | null;
    readonly decision_ref: string | null;
    readonly evidence_ref: string | null;
    readonly dataset_revision: number | null;
    readonly policy_activation: number;
    readonly state: string;
  };
  /** The primary key is the compare-and-set: two movers cannot both insert generation n + 1. */
  'pointer.move': {
    readonly tenant_id: string;
    readonly dataset_id: string;
    readonly layer: string;
    readonly generation: number;
    readonly snapshot_id: string;
    readonly snapshot_hash: string;
    readonly run_id: string;
    readonly decision_ref: string;
    readonly fence: number;
    readonly moved_at: string;
    /** The lock whose fence must not have grown past `fence`. */
    readonly lock_key: string;
  };
  /** Every fact a decision used is as it was read: the dataset's revision and the policy activation. */
  'promotion.guard': {
    readonly tenant_id: string;
    readonly dataset_id: string;
    readonly dataset_revision: number;
    readonly policy_activation: number;
  };
  /** Takes and gives back in one step: what needs nothing from outside holds the lock for one transaction only, and still moves the fence. */
  'lock.pass': { readonly lock_key: string; readonly expected_fence: number; readonly at: string };
  /** A version that was rolled back may not become ACTIVE again until it is released. */
  'snapshot.quarantine': { readonly snapshot_id: string; readonly at: string; readonly reason: string; readonly run_id: string };
  'hold.place': {
    readonly hold_id: string;
    readonly tenant_id: string;
    readonly dataset_id: string;
    readonly layer: string;
    readonly reason: string;
    readonly run_id: string | null;
    readonly placed_at: string;
    readonly placed_by: string;
  };
  'hold.lift': { readonly hold_id: string; readonly lifted_at: string; readonly lifted_by: string; readonly lift_reason: string };
  'audit.open': {
    readonly audit_id: string;
    readonly run_id: string;
    readonly tenant_id: string;
    readonly dataset_id: string;
    readonly layer: string;
    readonly owner: string;
    readonly reason: string;
    readonly opened_at: string;
    readonly due_at: string;
  };
  'audit.close': { readonly audit_id: string; readonly closed_at: string; readonly closed_by: string; readonly close_reason: string };
  /** Only for a run that is still open: what has ended is approved by nobody. */
  'approval.insert': {
    readonly approval_id: string;
    readonly run_id: string;
    readonly tenant_id: string;
    readonly dataset_id: string;
    readonly verdict: string;
    readonly actor_id: string;
    readonly authenticated_by: string;
    readonly role: string;
    readonly snapshot_hash: string;
    readonly target: string;
    readonly policy_rev: string;
    readonly reason: string;
    readonly overrides: string;
    readonly given_at: string;
    readonly expires_at: string;
    readonly evidence_ref: string;
  };
  /** Single use: a second decision finds it used. */
  'approval.use': { readonly approval_id: string; readonly used_at: string; readonly used_by: string };
  /** Gives back a lock still held with this fence. */
  'lock.release': { readonly lock_key: string; readonly fence: number };
};

export type RunRow = {
  readonly run_id: string;
  readonly kind: string;
  readonly tenant_id: string;
  readonly dataset_id: string;
  readonly from_layer: string | null;
  readonly to_layer: string | null;
  readonly snapshot_id: string | null;
  readonly actor_id: string;
  readonly request_digest: string;
  readonly phase: string;
  readonly status: string;
  readonly revision: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly next_eligible_at: string | null;
  readonly defer_until: string | null;
  readonly decision: string | null;
  readonly decision_ref: string | null;
  readonly evidence_ref: string | null;
  /** What the last evaluation saw: a change of either wakes a deferred run. */
  readonly dataset_revision: number | null;
  readonly policy_activation: number;
  readonly state: string;
};
