import { z } from 'zod';
import { digestSchema, document, layerSchema, nameSchema, tenantSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.int().min(0);
const digestParams = z.strictObject({ digest: digestSchema });
const snapshotParams = z.strictObject({ snapshot_id: nameSchema });

/** Digests of one `object.missing` question; more are asked in several. */
export const missingBatch = 10_000;

export const objectDocument = document('Object', {
  digest: digestSchema,
  size: count,
  /** False when the content was there already. */
  created: z.boolean(),
});

export const missingObjectsDocument = document('MissingObjects', { missing: z.array(digestSchema) });

const snapshotShape = {
  snapshot_id: nameSchema,
  tenant_id: nameSchema,
  dataset_id: nameSchema,
  /** Where it was registered. */
  layer: layerSchema,
  snapshot_hash: digestSchema,
  file_count: count,
  total_bytes: count,
  missing_objects: count,
  environment: nameSchema,
  service_release_id: z.string(),
  created_at: timestampSchema,
  created_by: z.string(),
  verification: z.enum(['registered', 'verified', 'withdrawn']),
  /** When every byte was last read and found equal. */
  verified_at: timestampSchema.nullable(),
  quarantined_at: timestampSchema.nullable(),
  quarantine_reason: z.string().nullable(),
  quarantine_run_id: z.string().nullable(),
  flagged_reason: z.string().nullable(),
};

export const snapshotDocument = document('Snapshot', snapshotShape);
export const registeredSnapshotDocument = document('Snapshot', { ...snapshotShape, created: z.boolean() });
export const releasedSnapshotDocument = document('Snapshot', { ...snapshotShape, released: z.boolean() });
export const snapshotListDocument = document('SnapshotList', {
  items: z.array(z.object(snapshotShape)),
  next_cursor: z.string().nullable(),
});

export const verifyFindings = ['missing', 'size-differs', 'digest-differs', 'unreadable'] as const;

/** What reading every byte again found. `failures` names the first 100; the counts are of all. */
export const snapshotVerificationDocument = document('SnapshotVerification', {
  snapshot_id: nameSchema,
  snapshot_hash: digestSchema,
  verified: z.boolean(),
  verification: z.enum(['registered', 'verified', 'withdrawn']),
  file_count: count,
  objects_read: count,
  bytes_read: count,
  failed_objects: count,
  failures: z.array(z.object({ path: z.string(), digest: digestSchema, finding: z.enum(verifyFindings), detail: z.string() })),
  evidence_ref: digestSchema,
});

export const verifyProgressDocument = document('VerifyProgress', {
  objects: count,
  objects_total: count,
  bytes: count,
  bytes_total: count,
});

/** Content in by digest, and snapshots made of it. */
export const snapshotRoutes = defineRoutes({
  'object.put': {
    method: 'PUT',
    path: '/v1/objects/:digest',
    summary: 'Store content under its digest; checked while it streams',
    action: 'object.write',
    listener: 'operator',
    params: digestParams,
    raw: true,
    response: objectDocument,
    problems: ['digest-mismatch', 'storage-unavailable', 'invalid-request'],
  },
  'object.head': {
    method: 'HEAD',
    path: '/v1/objects/:digest',
    summary: 'Is this content stored, and how long is it',
    action: 'object.read',
    listener: 'operator',
    params: digestParams,
    stream: 'bytes',
    problems: ['not-found'],
  },
  'object.missing': {
    method: 'POST',
    path: '/v1/objects/missing',
    summary: 'Which of these digests are not stored',
    action: 'object.read',
    listener: 'operator',
    body: z.strictObject({ digests: z.array(digestSchema).max(missingBatch) }),
    response: missingObjectsDocument,
    problems: [],
  },
  'snapshot.create': {
    method: 'POST',
    path: '/v1/snapshots',
    summary: 'Register a snapshot whose manifest is stored under its hash; again is the same snapshot',
    action: 'snapshot.create',
    listener: 'operator',
    body: z.strictObject({
      tenant_id: tenantSchema,
      dataset_id: nameSchema,
      layer: layerSchema.default('RAW'),
      snapshot_hash: digestSchema,
    }),
    response: registeredSnapshotDocument,
    problems: ['forbidden', 'digest-mismatch', 'payload-too-large', 'unprocessable', 'conflict', 'evidence-unavailable'],
  },
  'snapshot.ls': {
    method: 'GET',
    path: '/v1/snapshots',
    summary: 'Snapshots, newest first',
    action: 'snapshot.read',
    listener: 'operator',
    query: z.strictObject({
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
      cursor: z.string().max(512).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
    response: snapshotListDocument,
    problems: ['invalid-request'],
  },
  'snapshot.get': {
    method: 'GET',
    path: '/v1/snapshots/:snapshot_id',
    summary: 'One snapshot',
    action: 'snapshot.read',
    listener: 'operator',
    params: snapshotParams,
    response: snapshotDocument,
    problems: ['not-found'],
  },
  'snapshot.manifest': {
    method: 'GET',
    path: '/v1/snapshots/:snapshot_id/manifest',
    summary: 'The manifest, byte for byte: its SHA-256 is the snapshot_hash',
    action: 'snapshot.read',
    listener: 'operator',
    params: snapshotParams,
    stream: 'bytes',
    problems: ['not-found', 'gone'],
  },
  'snapshot.verify': {
    method: 'POST',
    path: '/v1/snapshots/:snapshot_id/verify',
    summary: 'Read every byte again: events `progress` (VerifyProgress), then one `result` (SnapshotVerification) or `problem`',
    action: 'snapshot.verify',
    listener: 'operator',
    params: snapshotParams,
    body: z.strictObject({}),
    stream: 'sse',
    problems: ['not-found', 'forbidden', 'conflict', 'evidence-unavailable'],
  },
  'snapshot.release': {
    method: 'POST',
    path: '/v1/snapshots/:snapshot_id/release',
    summary: 'Lift quarantine and flag, with a reason',
    action: 'snapshot.release',
    listener: 'operator',
    params: snapshotParams,
    body: z.strictObject({ reason: z.string().min(3).max(1024) }),
    response: releasedSnapshotDocument,
    problems: ['not-found', 'forbidden', 'conflict', 'evidence-unavailable'],
  },
});
