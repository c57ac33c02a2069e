import type { CompiledPack } from '../policy/compile.ts';
import { policyRevOf, withPack } from '../policy/policy-rev.ts';
import { decide } from './decide.ts';
import type { DecisionBody, Verdict } from './decision.ts';
import { endedByTimeout } from './ended-by-timeout.ts';
import type { Facts } from './facts.ts';
import { buildInput, type GateInput } from './input.ts';

/** A past decision under a candidate pack. */
export type Comparison =
  | {
      readonly compared: true;
      readonly before: Verdict;
      readonly after: Verdict;
      /** Rules of the pack that answer otherwise, in the words of both sides. */
      readonly rules: readonly { readonly code: string; readonly before: string; readonly after: string }[];
    }
  /** `unconcerned`: its contract did not ask this pack. Everything else is a decision of which nothing can be said. */
  | { readonly compared: false; readonly why: 'unconcerned' | 'not-the-kernel' | 'kernel-differs' };

/**
 * Decides a recorded decision's facts again with a candidate in place of the pack of its name, by the same kernel, and as of the same
 * moment. Only the rules see the candidate set: what callers, approvals and bundles said of the policy set was about the one of that time.
 *
 * @param packs the packs of that time, compiled
 */
export function compareCandidate(
  recorded: DecisionBody,
  facts: Facts,
  packs: readonly CompiledPack[],
  candidate: CompiledPack,
): Comparison {
  if (recorded.decided_by === 'system') return { compared: false, why: 'not-the-kernel' };
  const pinned = facts.contract?.body.policy_packs.some(({ name }) => name === candidate.name) === true;
  if (!pinned || recorded.gate_set === 'rollback') return { compared: false, why: 'unconcerned' };
  const end = (judged: DecisionBody) =>
    recorded.decided_by === 'timeout' && judged.decision === 'defer' ? endedByTimeout(judged) : judged;
  const input = buildInput(facts);
  const again = end(decide(input, packs, facts.as_of));
  if (again.decision !== recorded.decision) return { compared: false, why: 'kernel-differs' };
  const after = end(decide(input, [...packs, candidate], facts.as_of, withCandidate(input, candidate)));
  return { compared: true, before: again.decision, after: after.decision, rules: rulesOf(candidate.name, again, after) };
}

function withCandidate(input: GateInput, { name, version, digest }: CompiledPack): GateInput {
  const { contract, policy } = input.facts;
  if (contract === null) return input;
  const ref = { name, version, digest };
  const policy_packs = contract.body.policy_packs.map((pack) => (pack.name === name ? ref : pack));
  const packs = withPack(policy?.packs ?? [], ref);
  return {
    ...input,
    facts: {
      ...input.facts,
      contract: { ...contract, body: { ...contract.body, policy_packs } },
      policy: { policy_rev: policyRevOf(packs), packs },
    },
  };
}

function rulesOf(name: string, before: DecisionBody, after: DecisionBody) {
  const texts = ({ gates }: DecisionBody) =>
    new Map(
      gates
        .filter(({ code }) => code === `rule:${name}` || code.startsWith(`rule:${name}/`))
        .map(({ code, outcome, reason_code }) => [code, outcome === 'pass' ? 'pass' : `${outcome} (${reason_code})`]),
    );
  const [was, is] = [texts(before), texts(after)];
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((code) => ({ code, before: was.get(code) ?? 'no such rule', after: is.get(code) ?? 'no such rule' }))
    .filter((rule) => rule.before !== rule.after);
}
