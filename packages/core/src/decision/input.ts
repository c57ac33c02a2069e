import { digestOf } from '../evidence/digest.ts';
import { canonicalJson } from '../evidence/jcs.ts';
import type { CheckFact } from '../quality/check.ts';
import { mergeChecks } from '../quality/latest.ts';
import { type Score, scoreOf } from '../quality/score.ts';
import { buildBundle } from './build-bundle.ts';
import type { SubmittedBundle } from './bundle.ts';
import type { GateSet, Subject } from './decision.ts';
import type { Facts } from './facts.ts';

/** What the gates and the rules look at: the facts, and what follows from them, derived once and in one place. */
export type GateInput = {
  readonly facts: Facts;
  readonly gate_set: Exclude<GateSet, 'preflight'>;
  readonly subject: Subject;
  /** The submitted bundle, or the one built from snapshot, checks and contract; either may be incomplete. */
  readonly bundle: SubmittedBundle;
  /** Digest of a submitted bundle; null where the bundle was derived from these facts. */
  readonly bundle_digest: string | null;
  /** Stored checks, and those of a submitted bundle that are not stored. */
  readonly checks: readonly CheckFact[];
  /** Names of checks where a submitted bundle says otherwise than what is stored. */
  readonly contradicted: readonly string[];
  readonly score: Score;
  readonly input_digest: string;
};

/**
 * Derives the kernel's input from facts. Everything that decides alike must come through here: where local and remote verdicts
 * drift apart in other systems, it is in the input builder, the exceptions and the defaults, not in the rules.
 */
export function buildInput(facts: Facts): GateInput {
  const { request, snapshot, bundle: submitted } = facts;
  const bundleDigest = submitted === null ? null : digestOf(canonicalJson(submitted));
  const { checks, contradicted } = mergeChecks(facts.checks, submitted?.checks ?? [], {
    snapshot_id: request.snapshot_id,
    source_kind: 'bundle',
    source_digest: bundleDigest ?? '',
    imported_at: facts.as_of,
  });
  const score = scoreOf(checks, facts.contract?.body.check_weights ?? {});
  return {
    facts,
    gate_set: request.promotion_type === 'rollback' ? 'rollback' : 'promotion',
    subject: {
      dataset_id: request.dataset_id,
      from_layer: request.from_layer,
      snapshot_hash: snapshot?.snapshot_hash ?? null,
      snapshot_id: request.snapshot_id,
      tenant_id: request.tenant_id,
      to_layer: request.to_layer,
    },
    bundle: submitted ?? buildBundle(facts, checks, score),
    bundle_digest: bundleDigest,
    checks,
    contradicted,
    score,
    input_digest: factsDigest(facts),
  };
}

/**
 * Digest of the facts, by which two sides know that they judged the same. Pack sources are left out: their digests stand for them,
 * so that facts with and without the YAML are the same facts.
 */
export function factsDigest(facts: Facts): string {
  const packs = facts.packs.map(({ name, version, digest }) => ({ name, version, digest }));
  return digestOf(canonicalJson({ ...facts, packs }));
}
