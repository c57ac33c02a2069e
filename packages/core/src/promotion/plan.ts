import { z } from 'zod';
import { digestSchema, timestampSchema } from '../api/common.ts';
import { decide, decisionDigest } from '../decision/decide.ts';
import { decisionBodySchema } from '../decision/decision.ts';
import { type Facts, factsSchema } from '../decision/facts.ts';
import { buildInput } from '../decision/input.ts';
import { stateDigest } from '../decision/state.ts';
import { jcsDigest } from '../evidence/jcs.ts';
import { compilePacks } from '../policy/compile.ts';
import { type PromotionRequest, promotionRequestSchema } from './request.ts';

const generation = z.int().min(0).nullable();

/**
 * A saved dry run: what was asked, what stood there, and what the kernel said. No permission: the gate decides again when it is carried
 * out, and refuses where anything the plan was made on has moved.
 */
export const planSchema = z.strictObject({
  schemaVersion: z.literal('govctl/v1'),
  kind: z.literal('Plan'),
  made_at: timestampSchema,
  request: promotionRequestSchema.omit({ expected_state: true }),
  snapshot: z.strictObject({ snapshot_id: z.string(), snapshot_hash: digestSchema.nullable() }),
  /** ACTIVE generations when it was made; null where a layer never had one. */
  active: z.strictObject({ from: generation, to: generation }),
  policy_rev: digestSchema.nullable(),
  input_digest: digestSchema,
  state_digest: digestSchema,
  decision: decisionBodySchema,
  decision_digest: digestSchema,
  /** With the sources of their packs, so that the plan can be decided again and compared by whoever has it. */
  facts: factsSchema,
  /** Of everything above: a plan that was edited is no plan. */
  plan_digest: digestSchema,
});

export type Plan = z.infer<typeof planSchema>;

/** Makes the plan of a request from the facts of its dry run. The same facts make the same plan: that is how one is checked. */
export function makePlan(request: PromotionRequest, facts: Facts): Plan {
  const { expected_state: _state, ...asked } = request;
  const decision = decide(buildInput(facts), compilePacks(facts.packs), facts.as_of);
  const plan = {
    schemaVersion: 'govctl/v1' as const,
    kind: 'Plan' as const,
    made_at: facts.as_of,
    request: asked,
    snapshot: { snapshot_id: request.snapshot_id, snapshot_hash: decision.subject.snapshot_hash },
    active: { from: facts.pointers.from?.generation ?? null, to: facts.pointers.to?.generation ?? null },
    policy_rev: decision.policy_rev,
    input_digest: decision.input_digest,
    state_digest: stateDigest(facts),
    decision,
    decision_digest: decisionDigest(decision),
    facts,
  };
  return { ...plan, plan_digest: jcsDigest(plan) };
}
