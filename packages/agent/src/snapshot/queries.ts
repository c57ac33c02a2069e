import type { SnapshotRow } from '@govctl/core/promotion';
import { query } from '../db/index.ts';

const columns = `snapshot_id, tenant_id, dataset_id, layer, snapshot_hash, file_count, total_bytes, missing_objects, environment, service_release_id,
  created_at, created_by, verification, verified_at, quarantined_at, quarantine_reason, quarantine_run_id, flagged_reason`;

export const snapshotById = query<{ snapshot_id: string }, SnapshotRow>(
  'snapshot by id',
  `SELECT ${columns} FROM snapshot WHERE snapshot_id = :snapshot_id`,
);

export type SnapshotPage = { tenant_id: string | null; dataset_id: string | null; before: string; before_id: string; limit: number };

/** Newest first, after a place in that order. */
export const snapshotPage = query<SnapshotPage, SnapshotRow>(
  'snapshot page',
  `SELECT ${columns} FROM snapshot
   WHERE (:tenant_id IS NULL OR tenant_id = :tenant_id) AND (:dataset_id IS NULL OR dataset_id = :dataset_id)
     AND (created_at < :before OR (created_at = :before AND snapshot_id < :before_id))
   ORDER BY created_at DESC, snapshot_id DESC LIMIT :limit`,
);
