import { z } from 'zod';
import { digestSchema, timestampSchema } from '../api/common.ts';
import { gateAnswerSchema, verdicts } from '../decision/decision.ts';
import { environmentFactSchema, jobFactSchema, packFactSchema } from '../decision/facts.ts';

/** Everything the end of a job is judged from. */
export const jobFactsSchema = z.strictObject({
  as_of: timestampSchema,
  kernel_version: z.string(),
  environment: environmentFactSchema,
  request: z.strictObject({
    run_id: z.string(),
    tenant_id: z.string(),
    dataset_id: z.string(),
    actor: z.strictObject({ actor_id: z.string(), source_type: z.enum(['SYSTEM', 'HUMAN']), authenticated_by: z.string() }),
  }),
  /** Packs the job names. */
  policy_packs: z.array(z.string()),
  /** The active set; null when nothing was ever activated. */
  policy: z.strictObject({ policy_rev: digestSchema, packs: z.array(packFactSchema.omit({ source: true })) }).nullable(),
  job: jobFactSchema,
});

export type JobFacts = z.infer<typeof jobFactsSchema>;

export const jobDecisionSchema = z.strictObject({
  decision: z.enum(verdicts),
  gate_set: z.literal('run_result'),
  run_id: z.string(),
  workspace: z.string(),
  gates: z.array(gateAnswerSchema),
  policy_rev: digestSchema.nullable(),
  kernel_version: z.string(),
  input_digest: digestSchema,
  decided_by: z.enum(['policy', 'timeout']),
  waiting_on: z.array(z.string()).optional(),
});

export type JobDecision = z.infer<typeof jobDecisionSchema>;
