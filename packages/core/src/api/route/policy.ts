import { z } from 'zod';
import { digestSchema, document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const packRef = { name: z.string(), version: z.string(), digest: digestSchema };
const storedPack = { ...packRef, active: z.boolean(), stored_at: timestampSchema };

/** The active set; everything null and empty before the first activation. */
export const policySetDocument = document('PolicySet', {
  policy_rev: digestSchema.nullable(),
  activation: z.number().int(),
  packs: z.array(z.object(packRef)),
  activated_at: timestampSchema.nullable(),
  activated_by: z.string().nullable(),
});

export const policyPackListDocument = document('PolicyPackList', { items: z.array(z.object(storedPack)) });

export const policyPackDocument = document('PolicyPack', {
  ...storedPack,
  /** The YAML, byte for byte: its SHA-256 is the digest. */
  source: z.string(),
});

export const policyActivationDocument = document('PolicyActivation', {
  pack: z.object(packRef),
  /** False when exactly this pack was active already, and nothing was written. */
  activated: z.boolean(),
  policy_rev: digestSchema,
  previous_policy_rev: digestSchema.nullable(),
  activation: z.number().int(),
  packs: z.array(z.object(packRef)),
  /** Contracts that pin another version of the pack: their promotions wait until they are applied again. */
  contracts_to_apply: z.array(z.string()),
  evidence_ref: refSchema.nullable(),
});

export const policyDeactivationDocument = document('PolicyDeactivation', {
  pack: z.object(packRef),
  /** False when no version of the pack was active, and nothing was written. */
  deactivated: z.boolean(),
  policy_rev: digestSchema.nullable(),
  previous_policy_rev: digestSchema.nullable(),
  activation: z.number().int(),
  packs: z.array(z.object(packRef)),
  /** Contracts that pin the pack: their promotions wait until it is active again, or they are applied without it. */
  contracts_waiting: z.array(z.string()),
  evidence_ref: refSchema.nullable(),
});

/** What a policy can be called by: the name of a pack (the active one, else the newest stored), or a digest. */
export const packParamSchema = z.union([nameSchema, digestSchema]);

/** Policy packs: what is in force, what was, and how a pack comes into force. */
export const policyRoutes = defineRoutes({
  'policy.active': {
    method: 'GET',
    path: '/v1/policies/active',
    summary: 'The active set of packs and its policy_rev',
    action: 'policy.read',
    listener: 'operator',
    response: policySetDocument,
    problems: [],
  },
  'policy.ls': {
    method: 'GET',
    path: '/v1/policies/packs',
    summary: 'Every pack that was ever active',
    action: 'policy.read',
    listener: 'operator',
    query: z.strictObject({ name: nameSchema.optional(), active: z.enum(['true', 'false']).optional() }),
    response: policyPackListDocument,
    problems: [],
  },
  'policy.get': {
    method: 'GET',
    path: '/v1/policies/packs/:pack',
    summary: 'One pack with its source, by name or digest',
    action: 'policy.read',
    listener: 'operator',
    params: z.strictObject({ pack: packParamSchema }),
    response: policyPackDocument,
    problems: ['not-found'],
  },
  'policy.activate': {
    method: 'POST',
    path: '/v1/policies/activations',
    summary: 'Put a pack into force, after its fixtures showed that its rules say what they should',
    action: 'policy.activate',
    listener: 'operator',
    body: z.strictObject({
      source: z.string().max(1024 * 1024),
      /** What the caller believes is active; null for nothing. Another one is refused as stale. */
      expected_policy_rev: digestSchema.nullable().optional(),
    }),
    response: policyActivationDocument,
    bodyLimit: 2 * 1024 * 1024,
    problems: ['forbidden', 'unprocessable', 'stale', 'conflict', 'evidence-unavailable'],
  },
  'policy.deactivate': {
    method: 'POST',
    path: '/v1/policies/packs/:pack/deactivate',
    summary: 'Take a pack out of force: what it judged waits, and jobs that are under way pause before their next step',
    action: 'policy.deactivate',
    listener: 'operator',
    params: z.strictObject({ pack: nameSchema }),
    body: z.strictObject({
      reason: z.string().min(3).max(1024),
      /** What the caller believes is active. Another set is refused as stale. */
      expected_policy_rev: digestSchema.optional(),
    }),
    response: policyDeactivationDocument,
    problems: ['forbidden', 'not-found', 'stale', 'conflict', 'evidence-unavailable'],
  },
});
