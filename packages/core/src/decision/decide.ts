import { jcsDigest } from '../evidence/jcs.ts';
import type { CompiledPack } from '../policy/compile.ts';
import { durationMs } from '../policy/duration.ts';
import { evaluateRules } from '../policy/evaluate.ts';
import { type DecisionBody, decisionWindowMs, type Exception, type GateAnswer, type Verdict } from './decision.ts';
import { settle } from './exception.ts';
import type { Moment } from './gate.ts';
import { gatesOf } from './gate-list.ts';
import type { GateInput } from './input.ts';
import { kernelVersion } from './kernel-version.ts';
import { verdictOf } from './verdict-of.ts';

/** How soon a deferred run is asked again where no contract says it. */
const defaultInterval = '1m';

/**
 * The decision. Pure: equal input, packs and `now` give an equal body, byte for byte in RFC 8785, wherever it runs. Every gate of the
 * effect's set and every rule of the contract's pinned packs answers; nothing stops at the first failure.
 *
 * @param packs the contract's pinned packs, compiled; one that is missing here is denied, not skipped
 * @param now RFC 3339: the facts' `as_of`, or the moment of `--effective-time`
 * @param rulesSee what the rules are asked about, where that is not the input itself: a candidate set of packs over past facts
 */
export function decide(input: GateInput, packs: readonly CompiledPack[], now: string, rulesSee: GateInput = input): DecisionBody {
  const moment: Moment = { at: now, ms: Date.parse(now) };
  if (Number.isNaN(moment.ms)) throw new RangeError(`not a time: ${now}`);
  const { facts, gate_set, input_digest, subject } = input;
  const found = gatesOf[gate_set].map((gate) => ({ code: gate.code, finding: gate.judge(input, moment) }));
  const { answers: gates, exceptions, approvals } = settle(input, [...found, ...evaluateRules(rulesSee, packs, moment)], moment);
  const decision = verdictOf(gates);
  // A person said no, and no gate would have without them asking: the verdict is theirs, and the facts name them.
  const rejected = gates.some(({ reason_code }) => reason_code === 'approval-rejected');
  return {
    decided_by: rejected ? 'human' : 'policy',
    decision,
    ...(exceptions.length === 0 ? {} : { exceptions }),
    gate_set,
    gates,
    input_digest,
    kernel_version: kernelVersion,
    ...(decision === 'defer' ? { next_eligible_at: nextEligible(input, gates, moment) } : {}),
    policy_rev: facts.policy?.policy_rev ?? null,
    promotion_type: facts.request.promotion_type,
    run_id: facts.request.run_id,
    subject,
    ...(decision === 'defer' ? { then: facts.contract?.body.defer.then ?? 'deny' } : {}),
    valid_from: iso(moment.ms),
    valid_until: iso(validUntil(decision, moment, [...exceptions, ...approvals.counted])),
    ...(decision === 'defer' ? { waiting_on: gates.filter(({ outcome }) => outcome === 'defer').map(({ code }) => code) } : {}),
  };
}

/** An allow is good for its window, and no longer than what it leans on. */
function validUntil(decision: Verdict, now: Moment, leansOn: readonly Pick<Exception, 'expires_at'>[]): number {
  const window = now.ms + decisionWindowMs;
  return decision === 'allow' ? leansOn.reduce((soonest, { expires_at }) => Math.min(soonest, Date.parse(expires_at)), window) : window;
}

/**
 * Digest of a decision: of its body alone, so that where and when it was made, recorded and signed does not matter. Takes a body or
 * anything around one (a document, a stored predicate's body) and reads only the body's fields.
 */
export function decisionDigest(decision: DecisionBody): string {
  const body: { [K in keyof Required<DecisionBody>]: DecisionBody[K] } = {
    decided_by: decision.decided_by,
    decision: decision.decision,
    exceptions: decision.exceptions,
    gate_set: decision.gate_set,
    gates: decision.gates,
    input_digest: decision.input_digest,
    kernel_version: decision.kernel_version,
    next_eligible_at: decision.next_eligible_at,
    policy_rev: decision.policy_rev,
    promotion_type: decision.promotion_type,
    run_id: decision.run_id,
    subject: decision.subject,
    then: decision.then,
    valid_from: decision.valid_from,
    valid_until: decision.valid_until,
    waiting_on: decision.waiting_on,
  };
  return jcsDigest(body);
}

// Not before every known moment has come, and not more often than the contract allows. What has no moment of its own is asked
// again at that interval; a change of evidence, policy or lock asks at once.
function nextEligible({ facts }: GateInput, gates: readonly GateAnswer[], now: Moment): string {
  const soonest = now.ms + durationMs(facts.contract?.body.defer.min_interval ?? defaultInterval);
  return iso(
    gates.reduce(
      (latest, { outcome, next_eligible_at }) =>
        outcome === 'defer' && next_eligible_at !== undefined ? Math.max(latest, Date.parse(next_eligible_at)) : latest,
      soonest,
    ),
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
