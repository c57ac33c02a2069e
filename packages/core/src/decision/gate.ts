import type { GateAnswer, GateEvidence } from './decision.ts';
import type { GateInput } from './input.ts';

export type Cell = GateAnswer['expected'];
export type Resolve = { readonly who: string; readonly command: string };

/** The moment a decision is made as of: `as_of`, or the time of `--effective-time`. */
export type Moment = { readonly at: string; readonly ms: number };

/** What a gate found; `gate()` completes it to an answer. */
export type Finding = {
  readonly outcome: GateAnswer['outcome'];
  readonly reason_code: string;
  readonly reason: string;
  readonly expected: Cell;
  readonly actual: Cell;
  readonly evidence?: readonly GateEvidence[];
  readonly resolve?: Resolve;
  readonly next_eligible_at?: string;
  /** False for what nobody may set aside, though its gate or rule otherwise may be. */
  readonly waivable?: false;
};

/** A gate or rule with what it found, before exceptions are looked at. */
export type Found = { readonly code: string; readonly finding: Finding };

/** A gate: a code, the question it asks of some facts, and a pure answer. */
export type AskedGate<Input> = {
  readonly code: string;
  /** The question, in one sentence: `govctl gate ls` shows it. */
  readonly asks: string;
  /** What an answer other than yes comes to. */
  readonly otherwise: string;
  readonly judge: (input: Input, now: Moment) => Finding;
};

/** A structural gate of a promotion. */
export type Gate = AskedGate<GateInput>;

const nothing: readonly GateEvidence[] = [];

/** Completes a finding. Members stand in JCS order, and so do those of every answer's evidence and resolve. */
export function answerOf(code: string, finding: Finding): GateAnswer {
  const { outcome, reason_code, reason, expected, actual, evidence = nothing, resolve, next_eligible_at } = finding;
  const answer = {
    actual,
    code,
    evidence: evidence as GateEvidence[],
    expected,
    outcome,
    reason,
    reason_code,
    resolve: resolve === undefined ? null : { command: resolve.command, who: resolve.who },
  };
  return next_eligible_at === undefined ? answer : { ...answer, next_eligible_at };
}

export function pass(reason: string, expected: Cell, actual: Cell, evidence?: readonly GateEvidence[]): Finding {
  return { outcome: 'pass', reason_code: 'ok', reason, expected, actual, evidence };
}

/** Nobody asked for this gate: says so, and why, instead of passing. */
export function notRequired(reason: string, reasonCode = 'not-asked'): Finding {
  return { outcome: 'not_required', reason_code: reasonCode, reason, expected: null, actual: null };
}

type Trouble = Omit<Finding, 'outcome' | 'resolve'> & { readonly resolve: Resolve };

export function fail(finding: Trouble): Finding {
  return { outcome: 'fail', ...finding };
}

export function defer(finding: Trouble): Finding {
  return { outcome: 'defer', ...finding };
}

/** Whole seconds from `at` to now; null for a time that cannot be read. */
function ageSeconds(at: string | null, now: Moment): number | null {
  if (at === null) return null;
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? null : Math.floor((now.ms - ms) / 1000);
}

export function evidence(ref: string, digest: string | null, at: string | null, now: Moment): GateEvidence {
  return { age: ageSeconds(at, now), digest, ref };
}

/** The one mend of everything that lacks a contract. */
export const applyContract: Resolve = { who: 'the owner of the dataset', command: 'govctl contract apply -f contract.yaml' };

/** What every gate that reads the contract says when there is none: without one, nothing may be promoted. */
export function noContract(input: GateInput): Finding {
  return fail({
    reason_code: 'no-contract',
    reason: `no contract is applied to ${input.subject.dataset_id}`,
    expected: 'an applied contract',
    actual: null,
    resolve: applyContract,
  });
}
