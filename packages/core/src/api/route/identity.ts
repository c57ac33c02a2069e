import { z } from 'zod';
import { actorIdSchema, grantSchema } from '../../identity/actor.ts';
import { document, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const keyId = z.string().regex(/^[a-z0-9]{12}$/, 'a key id: twelve lower-case letters and digits');

const apiKey = {
  key_id: keyId,
  actor_id: z.string(),
  grants: z.array(grantSchema),
  created_at: timestampSchema,
  created_by: z.string(),
  expires_at: timestampSchema.nullable(),
  revoked_at: timestampSchema.nullable(),
  revoked_by: z.string().nullable(),
};

export const apiKeyDocument = document('ApiKey', { ...apiKey, evidence_ref: refSchema.nullable() });
export const apiKeyListDocument = document('ApiKeyList', { items: z.array(z.object(apiKey)) });
/** The only document that ever holds a secret: the answer to whoever asked for the key. */
export const issuedApiKeyDocument = document('IssuedApiKey', { ...apiKey, evidence_ref: refSchema, secret: z.string() });

/** Who may call, and how: static keys of local_parity. */
export const identityRoutes = defineRoutes({
  'apikey.add': {
    method: 'POST',
    path: '/v1/keys/api',
    summary: 'Issue an API key; the secret is in this answer and nowhere else',
    action: 'apikey.add',
    listener: 'admin',
    body: z.strictObject({
      actor_id: actorIdSchema,
      grants: z.array(grantSchema).min(1).max(64),
      expires_at: timestampSchema.optional(),
    }),
    response: issuedApiKeyDocument,
    status: 201,
    problems: ['forbidden', 'unprocessable', 'evidence-unavailable'],
  },
  'apikey.ls': {
    method: 'GET',
    path: '/v1/keys/api',
    summary: 'API keys, without their secrets',
    action: 'apikey.read',
    listener: 'admin',
    query: z.strictObject({ actor_id: actorIdSchema.optional(), all: z.enum(['true', 'false']).optional() }),
    response: apiKeyListDocument,
    problems: [],
  },
  'apikey.revoke': {
    method: 'POST',
    path: '/v1/keys/api/:key_id/revoke',
    summary: 'Take an API key back; it stops working with this answer',
    action: 'apikey.revoke',
    listener: 'admin',
    params: z.strictObject({ key_id: keyId }),
    body: z.strictObject({ reason: z.string().min(3).max(1024) }),
    response: apiKeyDocument,
    problems: ['not-found', 'forbidden', 'evidence-unavailable'],
  },
});
