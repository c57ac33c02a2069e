import { z } from 'zod';
import { digestSchema, nameSchema, tenantSchema } from '../api/common.ts';
import { durationSchema } from './duration.ts';

export const promotionTypes = ['raw_to_gdp', 'gdp_to_kpi', 'bundle_to_active', 'rollback'] as const;
export const promotionTypeSchema = z.enum(promotionTypes);
export type PromotionType = (typeof promotionTypes)[number];

const settings = {
  contract_id: nameSchema,
  dataset_id: nameSchema,
  tenant_id: tenantSchema,
  promotion_types: z.array(promotionTypeSchema).min(1),
  required_checks: z.array(z.string().min(1).max(512)).default([]),
  /** Weight of a check in the score by its name; 1 unless said. */
  check_weights: z.record(z.string(), z.number().positive().max(1_000_000)).default({}),
  min_quality_score: z.number().min(0).max(1).default(1),
  max_evidence_age: durationSchema.default('24h'),
  requires_coverage: z.boolean().default(true),
  /** The born object whose handoff coverage is asked; the dataset's own name unless said. */
  handoff_object: z.string().min(1).max(512).nullable().default(null),
  signers: z
    .strictObject({ threshold: z.int().min(0).max(64), roles: z.array(nameSchema).default([]) })
    .default({ threshold: 0, roles: [] }),
  approvals: z
    .strictObject({
      quorum: z.int().min(0).max(64),
      roles: z.array(nameSchema).default([]),
      overridable_rules: z.array(z.string()).default([]),
    })
    .default({ quorum: 0, roles: [], overridable_rules: [] }),
  defer: z
    .strictObject({
      max: durationSchema.default('24h'),
      then: z.enum(['deny', 'escalate']).default('deny'),
      min_interval: durationSchema.default('1m'),
    })
    .default({ max: '24h', then: 'deny', min_interval: '1m' }),
  pending_audit: z.strictObject({ owner: z.string().min(1).max(128), sla: durationSchema }).default({ owner: 'operations', sla: '24h' }),
};

/** A contract as people write it; packs by name, pinned to digests when it is applied. */
export const contractFileSchema = z.strictObject({
  apiVersion: z.literal('govctl/v1'),
  kind: z.literal('Contract'),
  ...settings,
  policy_packs: z.array(nameSchema).default([]),
});

/** A contract as it is stored: every default written out, every pack pinned. Its digest is the JCS digest of this. */
export const contractSchema = z.strictObject({
  ...settings,
  policy_packs: z.array(z.strictObject({ name: nameSchema, version: z.string(), digest: digestSchema })),
});

export type ContractFile = z.infer<typeof contractFileSchema>;
export type Contract = z.infer<typeof contractSchema>;
