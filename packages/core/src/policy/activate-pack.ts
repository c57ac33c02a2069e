import { subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import { type GovernanceContext, governanceFact } from './governance-fact.ts';
import type { PackRef } from './pack.ts';
import { policyRevOf, withPack } from './policy-rev.ts';

/** The active set as it was read; null before anything was activated. */
export type ActiveSet = { readonly activation: number; readonly policy_rev: string; readonly packs: readonly PackRef[] } | null;

export type PackActivation = {
  readonly unit: Unit;
  readonly activation: number;
  readonly policy_rev: string;
  readonly packs: readonly PackRef[];
};

/**
 * Makes a pack the active one of its name: stored by digest, the next activation, the record of it (`POLICY_REV_CHANGED`) and the
 * event, or none of them. Null when exactly this pack is active already. The caller has held the pack to its fixtures (`testPack`).
 */
export function activatePack(
  context: GovernanceContext,
  pack: PackRef & { readonly source: string },
  active: ActiveSet,
): PackActivation | null {
  const { name, version, digest, source } = pack;
  const ref: PackRef = { name, version, digest };
  if (active?.packs.some((one) => one.name === name && one.digest === digest) === true) return null;
  const packs = withPack(active?.packs ?? [], ref);
  const policy_rev = policyRevOf(packs);
  const activation = (active?.activation ?? 0) + 1;
  const previous = active?.policy_rev ?? null;
  const { at, actor, environment } = context;
  const change = { from: previous, to: policy_rev, activation };
  const unit: Unit = {
    label: 'policy.activate',
    changes: [
      { write: 'policy-pack.store', values: { digest, name, version, source, stored_at: at } },
      {
        write: 'policy.activate',
        values: { activation, policy_rev, packs: JSON.stringify(packs), activated_at: at, activated_by: actor.actor_id },
      },
    ],
    records: [
      governanceFact(context, {
        fact: 'policy.activate',
        subject: `policy/${name}`,
        digest,
        about: [subjectOf(`policy/${name}@${version}`, digest), subjectOf('policy_rev', policy_rev)],
        detail: { code: 'POLICY_REV_CHANGED', ...change, packs: packs.map((one) => ({ ...one })) },
        tenant_id: 'default',
        dataset_id: null,
      }),
    ],
    events: [
      {
        type: 'policy.rev.changed',
        subject: `policy/${name}`,
        time: at,
        tenant_id: 'default',
        dataset_id: null,
        layer: null,
        run_id: null,
        environment,
        data: { ...change, pack: ref },
      },
    ],
  };
  return { unit, activation, policy_rev, packs };
}
