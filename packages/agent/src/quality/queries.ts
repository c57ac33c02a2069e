import { query } from '../db/index.ts';

export type TestedSnapshotRow = { snapshot_id: string; snapshot_hash: string; tenant_id: string; dataset_id: string };

export const testedSnapshot = query<{ snapshot_id: string }, TestedSnapshotRow>(
  'tested snapshot',
  'SELECT snapshot_id, snapshot_hash, tenant_id, dataset_id FROM snapshot WHERE snapshot_id = :snapshot_id',
);

export type StoredImportRow = { source_kind: string; source_digest: string; imported_at: string; imported_by: string; checks: string };

export const importsOfSnapshot = query<{ snapshot_id: string }, StoredImportRow>(
  'imports of snapshot',
  `SELECT source_kind, source_digest, imported_at, imported_by, checks FROM quality_import
   WHERE snapshot_id = :snapshot_id ORDER BY import_id`,
);

export const newestImport = query<{ snapshot_id: string }, StoredImportRow>(
  'newest import of snapshot',
  `SELECT source_kind, source_digest, imported_at, imported_by, checks FROM quality_import
   WHERE snapshot_id = :snapshot_id ORDER BY import_id DESC LIMIT 1`,
);
