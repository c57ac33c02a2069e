import { z } from 'zod';
import { coverageStates } from './coverage-state.ts';
import { gateAnswerSchema } from './decision.ts';

/** What preflight guards: clean-up of a registry plane, and mutation of a DOT. Never a birth. */
export const preflightActions = ['rp.cleanup', 'dot.mutate'] as const;
export type PreflightAction = (typeof preflightActions)[number];

/** Everything a preflight is judged from, read in one snapshot. Null is: it cannot be known. */
export const preflightFactsSchema = z.strictObject({
  as_of: z.string(),
  action: z.enum(preflightActions),
  object_key: z.string(),
  coverage: z
    .strictObject({
      state: z.enum(coverageStates),
      reason: z.string(),
      lag_rows: z.number(),
      /** The oldest heartbeat of the tail. */
      last_poll_at: z.string().nullable(),
    })
    .nullable(),
  /** What governance knows of the object; null where nothing is. */
  candidate: z
    .strictObject({
      status: z.enum(['captured', 'activated', 'retired', 'unborn']),
      object_type: z.string().nullable(),
      born_at: z.string().nullable(),
    })
    .nullable(),
  /** Rows of the object that could not be applied. */
  quarantined_rows: z.number().nullable(),
  /** Build authorizations that cover the object. */
  ospa_count: z.number().nullable(),
  /** Who holds something of the object: locks of runs, and holds that were placed. */
  locks: z.array(z.strictObject({ lock: z.string(), holder: z.string(), since: z.string().nullable() })).nullable(),
});
export type PreflightFacts = z.infer<typeof preflightFactsSchema>;

const body = {
  decision: z.enum(['allow', 'deny']),
  gate_set: z.literal('preflight'),
  action: z.enum(preflightActions),
  object_key: z.string(),
  gates: z.array(gateAnswerSchema),
  kernel_version: z.string(),
  input_digest: z.string(),
  decided_by: z.literal('policy'),
  as_of: z.string(),
};
export const preflightDecisionShape = body;
export type PreflightDecision = z.infer<z.ZodObject<typeof body>>;
