import { z } from 'zod';
import { jcsDigest } from '../evidence/jcs.ts';
import { verdictOf } from './decide.ts';
import { gateAnswerSchema } from './decision.ts';
import { coverageStates } from './facts.ts';
import { answerOf, type Moment } from './gate.ts';
import { preflightGates } from './gate-list.ts';
import { kernelVersion } from './kernel-version.ts';

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

/**
 * May the action be done to the object now? Pure: the dry run, the recorded answer and a later look at the record decide alike. All
 * four dimensions answer, and anything but a pass blocks.
 */
export function decidePreflight(facts: PreflightFacts): PreflightDecision {
  const now: Moment = { at: facts.as_of, ms: Date.parse(facts.as_of) };
  if (Number.isNaN(now.ms)) throw new RangeError(`not a time: ${facts.as_of}`);
  const gates = preflightGates.map((gate) => answerOf(gate.code, gate.judge(facts, now)));
  return {
    action: facts.action,
    as_of: facts.as_of,
    decided_by: 'policy',
    decision: verdictOf(gates) === 'allow' ? 'allow' : 'deny',
    gate_set: 'preflight',
    gates,
    input_digest: jcsDigest(facts),
    kernel_version: kernelVersion,
    object_key: facts.object_key,
  };
}

/** A dimension of a preflight as people read it: `coverage`, PASS or BLOCK. */
export function dimensionOf(answer: { readonly code: string; readonly outcome: string }): { dimension: string; verdict: 'PASS' | 'BLOCK' } {
  return { dimension: answer.code.replace(/^preflight-/, ''), verdict: answer.outcome === 'pass' ? 'PASS' : 'BLOCK' };
}
