import { z } from 'zod';
import { checkStatuses, qualityCheckSchema } from '../../quality/check.ts';
import { qualityFileLimit } from '../../quality/json-file.ts';
import { importKinds } from '../../quality/kind.ts';
import { digestSchema, document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.number().int().min(0);
const snapshotParams = z.strictObject({ snapshot_id: nameSchema });

export { qualityFileLimit };

const stored = {
  snapshot_id: z.string(),
  source_kind: z.string(),
  /** SHA-256 of the file, byte for byte. */
  source_digest: digestSchema,
  imported_at: timestampSchema,
  imported_by: z.string(),
  counts: z.record(z.enum(checkStatuses), count),
  checks: z.array(qualityCheckSchema),
};

export const qualityImportDocument = document('QualityImport', {
  ...stored,
  tenant_id: z.string(),
  dataset_id: z.string(),
  /** Entries of the file that are no check: a model that was built. */
  ignored: count,
  /** False when the newest import of the snapshot is this file already, and nothing was written. */
  imported: z.boolean(),
  evidence_ref: refSchema.nullable(),
});

export const qualityImportListDocument = document('QualityImportList', {
  snapshot_id: z.string(),
  tenant_id: z.string(),
  dataset_id: z.string(),
  items: z.array(z.object(stored)),
});

/** Quality results from the tools people have, kept with the snapshot they are about. */
export const qualityRoutes = defineRoutes({
  'quality.import': {
    method: 'POST',
    path: '/v1/snapshots/:snapshot_id/quality',
    summary: 'Take the result file of a test run in; of each check the newest result counts',
    action: 'quality.import',
    listener: 'operator',
    params: snapshotParams,
    query: z.strictObject({ kind: z.enum(importKinds) }),
    raw: true,
    response: qualityImportDocument,
    problems: ['not-found', 'forbidden', 'unprocessable', 'payload-too-large', 'evidence-unavailable'],
  },
  'quality.ls': {
    method: 'GET',
    path: '/v1/snapshots/:snapshot_id/quality',
    summary: 'Every result that is kept for a snapshot, in the order of their import',
    action: 'quality.read',
    listener: 'operator',
    params: snapshotParams,
    response: qualityImportListDocument,
    problems: ['not-found'],
  },
});
