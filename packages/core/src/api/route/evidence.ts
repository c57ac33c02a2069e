import { z } from 'zod';
import { evidenceExportSchema } from '../../evidence/evidence-file.ts';
import { recordKinds } from '../../evidence/predicate.ts';
import { document, nameSchema, refSchema, runIdSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const recordRow = z.object({
  ref: refSchema,
  leaf_index: z.int().min(0),
  record_kind: z.string(),
  run_id: z.string().nullable(),
  tenant_id: z.string(),
  dataset_id: z.string().nullable(),
  recorded_at: timestampSchema,
  /** The payload was taken out under a retention policy; leaf and proofs stay. */
  erased: z.boolean(),
});

export const evidenceListDocument = document('EvidenceList', { items: z.array(recordRow), next_cursor: z.string().nullable() });

/** Records of the evidence log, one by one or in a file. */
export const evidenceRoutes = defineRoutes({
  'evidence.ls': {
    method: 'GET',
    path: '/v1/evidence',
    summary: 'Records of the evidence log, newest first',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({
      run_id: runIdSchema.optional(),
      dataset_id: nameSchema.optional(),
      tenant_id: nameSchema.optional(),
      kind: z.enum(recordKinds).optional(),
      cursor: z.string().max(64).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
    response: evidenceListDocument,
    problems: ['invalid-request'],
  },
  'evidence.export': {
    method: 'GET',
    path: '/v1/evidence/export/:run_id',
    summary: 'Everything a run left, in one file: records, proofs, checkpoint, facts, policy bytes',
    action: 'evidence.read',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    response: evidenceExportSchema,
    problems: ['not-found', 'gone', 'evidence-unavailable'],
  },
  'evidence.archive': {
    method: 'GET',
    path: '/v1/evidence/archive',
    summary: 'Every record of a time, as a stream of lines: head with checkpoint and keys, policies, records with proofs, signed manifest',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({
      since: timestampSchema,
      until: timestampSchema.optional(),
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
    }),
    stream: 'bytes',
    problems: ['invalid-request', 'not-found', 'forbidden', 'evidence-unavailable'],
  },
});
