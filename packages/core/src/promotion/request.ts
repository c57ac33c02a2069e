import { z } from 'zod';
import { digestSchema, layerSchema, nameSchema, runIdSchema, tenantSchema, timestampSchema } from '../api/common.ts';
import { submittedBundleSchema } from '../decision/bundle.ts';
import { jcsDigest } from '../evidence/jcs.ts';

/** What a caller asks for. Closed: a field nobody knows is refused, never ignored. */
export const promotionRequestSchema = z.strictObject({
  run_id: runIdSchema,
  dataset_id: nameSchema,
  tenant_id: tenantSchema,
  from_layer: layerSchema,
  to_layer: layerSchema,
  snapshot_id: nameSchema,
  /** A complete evidence bundle; left out, the daemon builds it from the snapshot, its checks and the contract. */
  evidence: submittedBundleSchema.optional(),
  expected_policy_rev: digestSchema.optional(),
  expected_parity_contract: digestSchema.optional(),
  expected_config_digest: digestSchema.optional(),
  /** Digest of the state a saved plan was made on: refused as stale when anything of it moved. */
  expected_state: digestSchema.optional(),
  /** The run this one corrects. */
  supersedes: runIdSchema.optional(),
  /** The job it comes after: it waits for its end, and is denied unless it succeeded. */
  job_run_id: runIdSchema.optional(),
});

export type PromotionRequest = z.infer<typeof promotionRequestSchema>;

/** The question of a dry run: what the gate would say to this request. */
export const evaluationRequestSchema = promotionRequestSchema.extend({
  /** Facts come with the YAML of their packs, so that they can be decided elsewhere. */
  with_sources: z.boolean().default(false),
  /** Judges as of this moment instead of now: which rules will be in force, what will be stale. */
  effective_time: timestampSchema.optional(),
});

/**
 * The idempotency body: what is asked, and nothing a client fills in by itself. The same run_id with another digest is a conflict.
 */
export function requestDigest(request: PromotionRequest): string {
  const { dataset_id, tenant_id, from_layer, to_layer, snapshot_id, evidence, job_run_id } = request;
  return jcsDigest({
    kind: 'promotion',
    dataset_id,
    tenant_id,
    from_layer,
    to_layer,
    snapshot_id,
    evidence: evidence === undefined ? null : jcsDigest(evidence),
    job: job_run_id ?? null,
  });
}

/** A rollback: the target a run moved goes back to its last verified version. */
export const rollbackRequestSchema = z.strictObject({
  run_id: runIdSchema,
  reason: z.string().min(3).max(1024),
  expected_policy_rev: digestSchema.optional(),
});

export type RollbackRequest = z.infer<typeof rollbackRequestSchema>;

export function rollbackDigest(rolledBackRun: string, request: RollbackRequest): string {
  return jcsDigest({ kind: 'rollback', rolled_back_run_id: rolledBackRun, reason: request.reason });
}

export function promotionTypeOf(from: string, to: string): 'raw_to_gdp' | 'gdp_to_kpi' {
  // A step that is not declared is judged as the step into its target, and denied by the transition gate.
  return from === 'RAW' && to === 'GDP' ? 'raw_to_gdp' : to === 'KPI' ? 'gdp_to_kpi' : 'raw_to_gdp';
}
