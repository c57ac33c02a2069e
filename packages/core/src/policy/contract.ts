import { z } from 'zod';
import { digestSchema, nameSchema, tenantSchema } from '../api/common.ts';
import { durationSchema } from './duration.ts';

export const promotionTypes = ['raw_to_gdp', 'gdp_to_kpi', 'bundle_to_active', 'rollback'] as const;
export const promotionTypeSchema = z.enum(promotionTypes);
export type PromotionType = (typeof promotionTypes)[number];

const settings = {
  contract_id: nameSchema.describe('Names the contract; its versions are counted from 1. Never used for another dataset.'),
  dataset_id: nameSchema.describe('The dataset it governs. A dataset has one contract.'),
  tenant_id: tenantSchema.describe('Whose dataset it is.'),
  promotion_types: z.array(promotionTypeSchema).min(1).describe('Steps that may be asked for at all; a rollback always may.'),
  required_checks: z
    .array(z.string().min(1).max(512))
    .default([])
    .describe('Quality checks that must be there once each, by name, and passed. Others count in the score only.'),
  check_weights: z
    .record(z.string(), z.number().positive().max(1_000_000))
    .default({})
    .describe('Weight of a check in the score, by its name; 1 unless said.'),
  min_quality_score: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Least share, by weight, of all checks kept for the snapshot that passed.'),
  max_evidence_age: durationSchema.default('24h').describe('How old a check may be, by its own run time: `90s`, `15m`, `24h`, `7d`.'),
  requires_coverage: z
    .boolean()
    .default(true)
    .describe('Whether handoff must cover the object, and a build authorization (OSPA) be there.'),
  handoff_object: z
    .string()
    .min(1)
    .max(512)
    .nullable()
    .default(null)
    .describe("The born object whose handoff coverage is asked; the dataset's own name unless said."),
  signers: z
    .strictObject({
      threshold: z.int().min(0).max(64).describe('How many distinct enrolled keys must have signed the bundle.'),
      roles: z.array(nameSchema).default([]).describe('Roles that must be among them.'),
    })
    .default({ threshold: 0, roles: [] })
    .describe('Signatures the evidence bundle needs.'),
  approvals: z
    .strictObject({
      quorum: z.int().min(0).max(64).describe('How many different people must approve; never the one who asked.'),
      roles: z
        .array(nameSchema)
        .default([])
        .describe('Roles that must be among them, one person each: whoever is granted `role.<name>` for the dataset.'),
      overridable_rules: z
        .array(z.string())
        .default([])
        .describe('What a quorum may set aside when it says so: `rule:<pack>/<id>`, `quality` or `freshness`. It waits for them then.'),
    })
    .default({ quorum: 0, roles: [], overridable_rules: [] })
    .describe('Approvals by people: for one request, snapshot, target and policy set, good once and for a limited time.'),
  defer: z
    .strictObject({
      max: durationSchema.default('24h').describe('How long a deferred promotion waits in all.'),
      then: z.enum(['deny', 'escalate']).default('deny').describe('What happens then; this version can only deny.'),
      min_interval: durationSchema
        .default('1m')
        .describe('How often it is asked again at most; a change of evidence or policy asks at once.'),
    })
    .default({ max: '24h', then: 'deny', min_interval: '1m' })
    .describe('What becomes of a promotion that waits for something.'),
  pending_audit: z
    .strictObject({
      owner: z.string().min(1).max(128).describe('Who owes it.'),
      sla: durationSchema.describe('How long it may take; overdue, it holds up the next promotion.'),
    })
    .default({ owner: 'operations', sla: '24h' })
    .describe('The audit that a rollback opens.'),
};

/** A contract as people write it; packs by name, pinned to digests when it is applied. */
export const contractFileSchema = z.strictObject({
  apiVersion: z.literal('govctl/v1'),
  kind: z.literal('Contract'),
  ...settings,
  policy_packs: z
    .array(nameSchema)
    .default([])
    .describe('Policy packs by name; each must be active, and is pinned to the digest that is active when the contract is applied.'),
});

/** A contract as it is stored: every default written out, every pack pinned. Its digest is the JCS digest of this. */
export const contractSchema = z.strictObject({
  ...settings,
  policy_packs: z.array(z.strictObject({ name: nameSchema, version: z.string(), digest: digestSchema })),
});

export type ContractFile = z.infer<typeof contractFileSchema>;
export type Contract = z.infer<typeof contractSchema>;
