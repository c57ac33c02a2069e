import { canonicalJson } from '../evidence/jcs.ts';
import { compilePacks } from '../policy/compile.ts';
import { decide, decisionDigest } from './decide.ts';
import { type DecisionBody, decisionBodySchema } from './decision.ts';
import { endedByTimeout } from './ended-by-timeout.ts';
import type { Facts } from './facts.ts';
import { buildInput } from './input.ts';

export type PackSource = { readonly digest: string; readonly source: string };

export type Replay =
  | {
      readonly replayed: true;
      /** The kernel says the same again. */
      readonly equal: boolean;
      readonly decision: DecisionBody;
      readonly decision_digest: string;
      /** Top-level fields that differ, and `gates.<code>` for each gate that answers otherwise. */
      readonly differs: readonly string[];
    }
  /** It was not the kernel that decided. */
  | { readonly replayed: false; readonly reason: string };

/**
 * Decides again from the facts a decision was recorded with, and compares. A defer that timed out was judged by the kernel and ended
 * by the clock: the same two steps are made again.
 *
 * @throws Problem when a pack does not compile
 */
export function replayDecision(recorded: DecisionBody, facts: Facts, sources: readonly PackSource[]): Replay {
  // A person who rejected is in the facts, so that the kernel comes to it too.
  if (recorded.decided_by === 'system') return { replayed: false, reason: `${recorded.decided_by} decided, not the kernel` };
  const bySource = new Map(sources.map(({ digest, source }) => [digest, source]));
  const packs = compilePacks(facts.packs.map((pack) => ({ ...pack, source: pack.source ?? bySource.get(pack.digest) })));
  const judged = decide(buildInput(facts), packs, facts.as_of);
  const decision = recorded.decided_by === 'timeout' && judged.decision === 'defer' ? endedByTimeout(judged) : judged;
  const decision_digest = decisionDigest(decision);
  return {
    replayed: true,
    equal: decision_digest === decisionDigest(recorded),
    decision,
    decision_digest,
    differs: differences(recorded, decision),
  };
}

function differences(recorded: DecisionBody, again: DecisionBody): string[] {
  const differs = Object.keys(decisionBodySchema.shape).filter(
    (field) => field !== 'gates' && !same(recorded[field as keyof DecisionBody], again[field as keyof DecisionBody]),
  );
  const codes = new Set([...recorded.gates, ...again.gates].map(({ code }) => code));
  for (const code of codes) {
    const of = (decision: DecisionBody) => decision.gates.filter((gate) => gate.code === code);
    if (!same(of(recorded), of(again))) differs.push(`gates.${code}`);
  }
  return differs;
}

/** Key order is not part of what is said. */
function same(a: unknown, b: unknown): boolean {
  return a === undefined || b === undefined ? a === b : canonicalJson(a) === canonicalJson(b);
}
