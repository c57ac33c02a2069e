import { z } from 'zod';
import { objectKeySchema, objectTypeSchema, permitIdSchema } from '../../handoff/birth-line.ts';
import { document, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const reasonSchema = z.string().trim().min(3).max(1_000);

const termsShape = {
  permit_id: z.string(),
  permit_kind: z.enum(['single', 'bulk']),
  object_key: z.string().nullable(),
  object_type: z.string().nullable(),
  max_births: z.number().int().nullable(),
  reason: z.string(),
  issued_at: timestampSchema,
  issued_by: z.string(),
  expires_at: timestampSchema.nullable(),
  /** The record of its issue; null while it could not be written, which is made good by itself. */
  evidence_ref: refSchema.nullable(),
};

export const birthPermitDocument = document('BirthPermit', termsShape);

const statusShape = {
  ...termsShape,
  /** `invalid`: it is not sealed by this deployment, or was changed after it was. */
  state: z.enum(['open', 'used', 'expired', 'revoked', 'invalid']),
  birth_count: z.int().min(0),
  used_at: timestampSchema.nullable(),
  revoked_at: timestampSchema.nullable(),
  revoked_by: z.string().nullable(),
  revoke_reason: z.string().nullable(),
};

export const birthPermitListDocument = document('BirthPermitList', { items: z.array(z.object(statusShape)) });
export const birthPermitStatusDocument = document('BirthPermitStatus', {
  ...statusShape,
  /** False when it was revoked before. */
  revoked: z.boolean(),
  revoked_ref: refSchema.nullable(),
});

export const handoffPermitRoutes = defineRoutes({
  'birth.permit': {
    method: 'POST',
    path: '/v1/births/permits',
    summary: 'Issue a permit: for one birth of one object, or a recorded bulk permit for imports',
    action: 'birth.permit',
    listener: 'operator',
    body: z.discriminatedUnion('permit_kind', [
      z.strictObject({
        permit_kind: z.literal('single'),
        permit_id: permitIdSchema.optional(),
        object_key: objectKeySchema,
        object_type: objectTypeSchema,
        reason: reasonSchema,
        expires_at: timestampSchema.optional(),
      }),
      z.strictObject({
        permit_kind: z.literal('bulk'),
        permit_id: permitIdSchema.optional(),
        max_births: z.int().min(1).optional(),
        reason: reasonSchema,
        expires_at: timestampSchema.optional(),
      }),
    ]),
    response: birthPermitDocument,
    status: 201,
    problems: ['invalid-request', 'unprocessable', 'conflict', 'unavailable'],
  },
  'birth.permit-list': {
    method: 'GET',
    path: '/v1/births/permits',
    summary: 'Permits, the newest first, and what each still admits',
    action: 'birth.permit-read',
    listener: 'operator',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(50), object_key: objectKeySchema.optional() }),
    response: birthPermitListDocument,
    problems: ['invalid-request', 'unprocessable', 'unavailable'],
  },
  'birth.permit-revoke': {
    method: 'POST',
    path: '/v1/births/permits/:permit_id/revoke',
    summary: 'From now on the permit admits nothing; what was born under it stays',
    action: 'birth.permit',
    listener: 'operator',
    params: z.strictObject({ permit_id: permitIdSchema }),
    body: z.strictObject({ reason: reasonSchema }),
    response: birthPermitStatusDocument,
    problems: ['not-found', 'unprocessable', 'conflict', 'unavailable'],
  },
});
