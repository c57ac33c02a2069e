import { z } from 'zod';
import type { coverageStates } from '../decision/coverage-state.ts';
import { type GateAnswer, gateAnswerSchema, verdicts } from '../decision/decision.ts';
import { answerOf, defer, evidence, type Finding, fail, type Moment, notRequired, pass } from '../decision/gate.ts';
import { kernelVersion } from '../decision/kernel-version.ts';
import { digestOf } from '../evidence/digest.ts';
import { canonicalJson } from '../evidence/jcs.ts';
import type { CandidateRow } from './candidate.ts';
import { candidateStatus } from './candidate.ts';

/** Everything an activation is judged from, read in one snapshot. */
export type ActivationFacts = {
  readonly as_of: string;
  readonly object_key: string;
  readonly candidate: CandidateRow;
  /** Build authorizations that cover the object. */
  readonly ospa_count: number;
  readonly coverage: {
    readonly state: (typeof coverageStates)[number];
    readonly reason: string;
    readonly lag_rows: number;
    readonly last_poll_at: string | null;
  };
  readonly event_type: { readonly event_type: string; readonly active: boolean; readonly pending_of_object: number };
};

const activationBody = {
  decision: z.enum(verdicts),
  gate_set: z.literal('activation'),
  object_key: z.string(),
  born_at: z.string().nullable(),
  gates: z.array(gateAnswerSchema),
  kernel_version: z.string(),
  input_digest: z.string(),
  decided_by: z.literal('policy'),
  /** Codes of the gates that deferred. */
  waiting_on: z.array(z.string()).optional(),
};

export const activationDecisionSchema = z.strictObject(activationBody);
export const activationDecisionShape = activationBody;
export type ActivationDecision = z.infer<typeof activationDecisionSchema>;

type ActivationGate = { readonly code: string; readonly asks: string; readonly judge: (facts: ActivationFacts, now: Moment) => Finding };

const candidateGate: ActivationGate = {
  code: 'candidate',
  asks: 'Was the object seen born, is it captured, and not retired?',
  judge({ candidate, object_key }) {
    const status = candidateStatus(candidate);
    if (status === 'captured') return pass('captured', 'captured', status);
    if (status === 'activated') return pass('activated already: asking again changes nothing', 'captured', status);
    const reasons = {
      retired: `it was retired at ${candidate.retired_at}`,
      unborn: 'changes of it were seen, its birth never was',
    } as const;
    return fail({
      reason_code: `candidate-${status}`,
      reason: `${object_key}: ${reasons[status]}`,
      expected: 'captured',
      actual: status,
      resolve: { who: 'whoever makes the object', command: `govctl candidate get ${object_key}` },
    });
  },
};

const coverageGate: ActivationGate = {
  code: 'coverage',
  asks: 'Is it known that no birth is missing?',
  judge({ coverage }, now) {
    const seen = [evidence('handoff:cursor', null, coverage.last_poll_at, now)];
    if (coverage.state === 'ok') return pass('covered', 'ok', 'ok', seen);
    return defer({
      reason_code: `coverage-${coverage.state}`,
      reason: `handoff coverage is ${coverage.state}: ${coverage.reason}`,
      expected: 'ok',
      actual: coverage.state,
      evidence: seen,
      resolve: { who: 'an operator of the handoff', command: 'govctl handoff status' },
    });
  },
};

const ospaGate: ActivationGate = {
  code: 'ospa',
  asks: 'Did a person authorise the build?',
  judge({ ospa_count }) {
    if (ospa_count >= 1) return pass('authorised', '>= 1', ospa_count);
    return defer({
      reason_code: 'ospa-none',
      reason: 'no build authorization covers it: handoff is capture-only',
      expected: '>= 1',
      actual: ospa_count,
      resolve: { who: 'a person who may authorise builds', command: 'govctl ospa authorize --reason TEXT' },
    });
  },
};

const pendingGate: ActivationGate = {
  code: 'pending-events',
  asks: 'Were its captured events delivered, where their type is active?',
  judge({ event_type, object_key }) {
    if (!event_type.active)
      return notRequired(`${event_type.event_type} is not active: its events are captured, not delivered`, 'type-inactive');
    if (event_type.pending_of_object === 0) return pass('nothing of it waits', 0, 0);
    return defer({
      reason_code: 'events-pending',
      reason: `${event_type.pending_of_object} captured events of ${object_key} are not delivered yet`,
      expected: 0,
      actual: event_type.pending_of_object,
      resolve: { who: 'the tail, by itself', command: 'govctl handoff status' },
    });
  },
};

/** The gate set of candidate activation, in the order it is shown. All of them answer. */
export const activationGates: readonly ActivationGate[] = [candidateGate, coverageGate, ospaGate, pendingGate];

/**
 * May this candidate be activated? Pure: dry run, real activation and a later look at the record decide alike. Any fail denies, else
 * any defer defers.
 */
export function decideActivation(facts: ActivationFacts): ActivationDecision {
  const now: Moment = { at: facts.as_of, ms: Date.parse(facts.as_of) };
  const gates: GateAnswer[] = activationGates.map((gate) => answerOf(gate.code, gate.judge(facts, now)));
  const waitingOn = gates.filter((gate) => gate.outcome === 'defer').map((gate) => gate.code);
  const denied = gates.some((gate) => gate.outcome === 'fail');
  return {
    decision: denied ? 'deny' : waitingOn.length > 0 ? 'defer' : 'allow',
    gate_set: 'activation',
    object_key: facts.object_key,
    born_at: facts.candidate.born_at,
    gates,
    kernel_version: kernelVersion,
    input_digest: digestOf(canonicalJson(facts)),
    decided_by: 'policy',
    ...(waitingOn.length > 0 ? { waiting_on: waitingOn } : {}),
  };
}
