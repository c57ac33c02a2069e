export type SnapshotRow = {
  readonly snapshot_id: string;
  readonly tenant_id: string;
  readonly dataset_id: string;
  readonly layer: string;
  readonly snapshot_hash: string;
  readonly file_count: number;
  readonly total_bytes: number;
  readonly missing_objects: number;
  readonly environment: string;
  readonly service_release_id: string;
  readonly created_at: string;
  readonly created_by: string;
  readonly verification: 'registered' | 'verified' | 'withdrawn';
  readonly verified_at: string | null;
  readonly quarantined_at: string | null;
  readonly quarantine_reason: string | null;
  readonly quarantine_run_id: string | null;
  readonly flagged_reason: string | null;
};

/** The writes of snapshots. Each changes a fact about its dataset, so its unit also carries `dataset.touch`. */
export type SnapshotWrites = {
  /** The primary key is derived from the content: whoever comes second finds the row and reads it. */
  'snapshot.insert': Omit<
    SnapshotRow,
    'verification' | 'verified_at' | 'quarantined_at' | 'quarantine_reason' | 'quarantine_run_id' | 'flagged_reason'
  >;
  /** Objects arrived or vanished since the count was taken. */
  'snapshot.recount': { readonly snapshot_id: string; readonly expected_missing: number; readonly missing_objects: number };
  /** Every byte was read again. A failure keeps `verified_at`: when it was last known to be whole. */
  'snapshot.verify': {
    readonly snapshot_id: string;
    /** What it was when its bytes were read. */
    readonly expected_verification: 'registered' | 'verified' | 'withdrawn';
    readonly verification: 'registered' | 'verified' | 'withdrawn';
    readonly verified_at: string | null;
    readonly missing_objects: number;
  };
  /** Built on a version that was rolled back. */
  'snapshot.flag': { readonly snapshot_id: string; readonly flagged_reason: string };
  /** Clears quarantine and flag; the guard is that one of them stands. */
  'snapshot.release': { readonly snapshot_id: string };
};
