import type { SnapshotWrites } from '@govctl/core/promotion';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of snapshots. */
export const snapshotWriteSql: Record<keyof SnapshotWrites, WriteSql> = {
  'snapshot.insert': {
    sql: `INSERT INTO snapshot (snapshot_id, tenant_id, dataset_id, layer, snapshot_hash, file_count, total_bytes, missing_objects, environment,
            service_release_id, created_at, created_by, verification)
          VALUES (:snapshot_id, :tenant_id, :dataset_id, :layer, :snapshot_hash, :file_count, :total_bytes, :missing_objects, :environment,
            :service_release_id, :created_at, :created_by, 'registered') ON CONFLICT DO NOTHING`,
    changes: 1,
    guard: 'snapshot-is-new',
  },
  'snapshot.recount': {
    sql: `UPDATE snapshot SET missing_objects = :missing_objects
          WHERE snapshot_id = :snapshot_id AND missing_objects = :expected_missing`,
    changes: 1,
    guard: 'snapshot-count-unchanged',
  },
  'snapshot.verify': {
    sql: `UPDATE snapshot SET verification = :verification, verified_at = coalesce(:verified_at, verified_at), missing_objects = :missing_objects
          WHERE snapshot_id = :snapshot_id AND verification = :expected_verification`,
    changes: 1,
    guard: 'snapshot-verification-unchanged',
  },
  'snapshot.flag': {
    sql: 'UPDATE snapshot SET flagged_reason = :flagged_reason WHERE snapshot_id = :snapshot_id',
    changes: 1,
    guard: 'snapshot-exists',
  },
  'snapshot.release': {
    sql: `UPDATE snapshot SET quarantined_at = NULL, quarantine_reason = NULL, quarantine_run_id = NULL, flagged_reason = NULL
          WHERE snapshot_id = :snapshot_id AND (quarantined_at IS NOT NULL OR flagged_reason IS NOT NULL)`,
    changes: 1,
    guard: 'snapshot-is-quarantined',
  },
};
