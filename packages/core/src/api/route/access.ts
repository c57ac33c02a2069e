import { z } from 'zod';
import { actorIdSchema } from '../../identity/actor.ts';
import { confirmationSchema, digestSchema, document, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.int().min(0);

export const refResolutionDocument = document('RefResolution', {
  ref: refSchema,
  /** One use; what it opens is checked against `dig` and `len` by whoever fetches it. */
  url: z.string(),
  dig: digestSchema,
  len: count,
  /** NumericDate, as the capability has it; `expires_at` says the same. */
  exp: count,
  expires_at: timestampSchema,
  /** Names the URL without opening anything: `evidence revoke --jti` ends it. */
  jti: z.string(),
  /** The ref-resolution record that was committed before the URL existed. */
  resolution_ref: refSchema,
});

const jtiSchema = z.string().regex(/^[0-9a-f]{32}$/, 'an id of 32 lower-case hex digits');

export const capabilityListDocument = document('CapabilityList', {
  items: z.array(
    z.object({
      jti: jtiSchema,
      ref: refSchema,
      tenant_id: z.string(),
      dataset_id: z.string().nullable(),
      actor_id: z.string(),
      issued_at: timestampSchema,
      expires_at: timestampSchema,
      /** Open: nobody used it yet. Used: what was begun can be continued. Neither expired nor revoked ones open anything. */
      state: z.enum(['open', 'used', 'expired', 'revoked']),
      used_at: timestampSchema.nullable(),
      /** How often a broken download was continued. */
      resumed: count,
      revoked_at: timestampSchema.nullable(),
      revoked_by: z.string().nullable(),
      resolution_ref: refSchema,
    }),
  ),
});

export const capabilityRevocationDocument = document('CapabilityRevocation', {
  by: z.enum(['jti', 'actor', 'ref']),
  value: z.string(),
  /** How many URLs ended with this answer. */
  revoked: count,
  jtis: z.array(jtiSchema),
  reason: z.string(),
  /** The governance fact; null where no URL was open, and nothing was done. */
  evidence_ref: refSchema.nullable(),
});

/** One parameter in one spelling: nothing is read from the path, and nothing else from the query. */
const fetchTarget = /^\/v1\/evidence\/fetch\?cap=[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const fetched = {
  path: '/v1/evidence/fetch',
  target: fetchTarget,
  action: 'open',
  listener: 'public',
  query: z.strictObject({ cap: z.string().min(1).max(4096) }),
  stream: 'bytes',
} as const;

/** Access to a record by a URL that opens it once: made, used, shown and taken back. */
export const accessRoutes = defineRoutes({
  'evidence.resolve': {
    method: 'POST',
    path: '/v1/evidence/refs/:ref/resolve',
    summary: 'A URL that opens one record once; the resolution is recorded before the URL exists',
    action: 'evidence.read',
    listener: 'operator',
    params: z.strictObject({ ref: refSchema }),
    body: z.strictObject({
      ttl_seconds: z.int().min(1).max(300).optional(),
      /** Only over a connection with this client certificate is anything opened. */
      cnf: confirmationSchema.optional(),
    }),
    response: refResolutionDocument,
    problems: ['not-found', 'gone', 'unprocessable', 'too-many-requests', 'evidence-unavailable'],
  },
  'evidence.fetch': {
    ...fetched,
    method: 'GET',
    summary:
      'The record a capability opens; the capability is the only parameter and works once. A Range with the ETag as If-Range continues a broken download',
    problems: ['forbidden', 'gone', 'digest-mismatch', 'range-not-satisfiable', 'too-many-requests', 'evidence-unavailable'],
  },
  'evidence.head': {
    ...fetched,
    method: 'HEAD',
    summary: 'What a GET with this capability would answer, without the record; it uses nothing up',
    problems: ['forbidden', 'gone', 'too-many-requests', 'evidence-unavailable'],
  },
  'evidence.capabilities': {
    method: 'GET',
    path: '/v1/evidence/capabilities',
    summary: 'Signed URLs that open something now; with `all`, those of the last hour',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({
      ref: refSchema.optional(),
      actor_id: actorIdSchema.optional(),
      all: z.enum(['true', 'false']).optional(),
    }),
    response: capabilityListDocument,
    problems: ['invalid-request'],
  },
  'evidence.revoke': {
    method: 'POST',
    path: '/v1/evidence/revocations',
    summary: 'End signed URLs that were made already: one by its jti, all of an actor, or all of a record',
    action: 'evidence.revoke',
    listener: 'operator',
    body: z
      .strictObject({
        jti: jtiSchema.optional(),
        actor_id: actorIdSchema.optional(),
        ref: refSchema.optional(),
        reason: z.string().min(3).max(1024),
      })
      .refine(
        (body) => [body.jti, body.actor_id, body.ref].filter((one) => one !== undefined).length === 1,
        'needs jti, actor_id or ref: one',
      ),
    response: capabilityRevocationDocument,
    problems: ['not-found', 'forbidden', 'evidence-unavailable'],
  },
});
