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
    readonly state: string;
    readonly response: string | null;
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
  };
  /** Takes a free or expired lock: fence goes from `expected_fence` to the next one. */
  'lock.take': {
    readonly lock_key: string;
    readonly expected_fence: number;
    readonly holder: string;
    readonly acquired_at: string;
    readonly expires_at: string;
  };
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
  readonly state: string;
  readonly response: string | null;
};
