import { z } from 'zod';
import { document, layerSchema, nameSchema, refSchema, tenantSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

export const waiverStates = ['active', 'expired', 'revoked'] as const;

const waiver = {
  waiver_id: z.string(),
  /** Only while it is active does it count. */
  state: z.enum(waiverStates),
  rule: z.string(),
  /** `tenant/dataset`, with `/LAYER` and `@snapshot` where it is narrower. */
  subject: z.string(),
  tenant_id: z.string(),
  dataset_id: z.string(),
  layer: layerSchema.nullable(),
  snapshot_id: z.string().nullable(),
  reason: z.string(),
  granted_at: timestampSchema,
  granted_by: z.string(),
  expires_at: timestampSchema,
  evidence_ref: refSchema,
  revoked_at: timestampSchema.nullable(),
  revoked_by: z.string().nullable(),
  revoke_reason: z.string().nullable(),
};

export const waiverDocument = document('Waiver', waiver);
export const waiverListDocument = document('WaiverList', { items: z.array(z.object(waiver)) });

const reason = z.string().min(3).max(1024);

/** Waivers: a gate or rule set aside for a dataset, by a person, for a limited time. */
export const waiverRoutes = defineRoutes({
  'waiver.add': {
    method: 'POST',
    path: '/v1/waivers',
    summary: 'Set a gate or rule aside for a dataset, or a layer or snapshot of it, until a stated time',
    action: 'waiver.add',
    listener: 'operator',
    body: z.strictObject({
      /** `rule:<pack>/<id>`, `quality` or `freshness`; whatever holds up integrity, the single writer or scope is refused. */
      rule: z.string().min(1).max(256),
      dataset_id: nameSchema,
      tenant_id: tenantSchema,
      layer: layerSchema.optional(),
      snapshot_id: nameSchema.optional(),
      reason,
      /** 90 days from now at most. */
      expires_at: timestampSchema,
    }),
    response: waiverDocument,
    status: 201,
    problems: ['forbidden', 'unprocessable', 'conflict', 'evidence-unavailable'],
  },
  'waiver.ls': {
    method: 'GET',
    path: '/v1/waivers',
    summary: 'Waivers, soonest to expire first',
    action: 'waiver.read',
    listener: 'operator',
    query: z.strictObject({
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
      /** Only those that expire before this moment. */
      expiring_before: timestampSchema.optional(),
      /** Expired and revoked ones too. */
      all: z.enum(['true', 'false']).optional(),
    }),
    response: waiverListDocument,
    problems: [],
  },
  'waiver.revoke': {
    method: 'POST',
    path: '/v1/waivers/:waiver_id/revoke',
    summary: 'Take a waiver back; open promotions are judged again without it',
    action: 'waiver.revoke',
    listener: 'operator',
    params: z.strictObject({ waiver_id: nameSchema }),
    body: z.strictObject({ reason }),
    response: waiverDocument,
    problems: ['not-found', 'forbidden', 'conflict', 'evidence-unavailable'],
  },
});
