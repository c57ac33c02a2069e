import type { CheckFact } from '../quality/check.ts';
import type { Score } from '../quality/score.ts';
import type { SubmittedBundle } from './bundle.ts';
import type { Facts } from './facts.ts';

/**
 * The evidence bundle of a caller who gave none: built from the snapshot, its stored checks and the contract. What those do not
 * say stays out, and the `bundle-schema` gate denies it by name; nothing is filled in.
 */
export function buildBundle(facts: Facts, checks: readonly CheckFact[], score: Score): SubmittedBundle {
  const { request, snapshot, contract, policy } = facts;
  return {
    run_id: request.run_id,
    subject_ref: request.dataset_id,
    promotion_type: request.promotion_type,
    snapshot_id: request.snapshot_id,
    ...(snapshot === null
      ? {}
      : { snapshot_hash: snapshot.snapshot_hash, environment: snapshot.environment, service_release_id: snapshot.service_release_id }),
    ...(score.value === null ? {} : { quality_score: score.value }),
    ...(contract === null
      ? {}
      : { rule_pack_version: `${contract.body.contract_id}@${contract.version}`, policy_versions: contract.body.policy_packs }),
    inputs: inputsOf(snapshot, checks),
    signers: [],
    timestamp: facts.as_of,
    checks: checks.map(({ name, status, severity, ran_at, message }) => ({ name, status, severity, ran_at, message })),
    tenant_id: request.tenant_id,
    ...(policy === null ? {} : { expected_policy_rev: policy.policy_rev }),
  };
}

function inputsOf(snapshot: Facts['snapshot'], checks: readonly CheckFact[]): { ref: string; digest: string }[] {
  const inputs = new Map<string, string>();
  if (snapshot !== null) inputs.set(`snapshot:${snapshot.snapshot_id}`, snapshot.snapshot_hash);
  for (const check of checks) inputs.set(`quality:${check.source_kind}:${check.source_digest}`, check.source_digest);
  return [...inputs].map(([ref, digest]) => ({ ref, digest }));
}
