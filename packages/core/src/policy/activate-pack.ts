import { subjectOf } from '../evidence/statement.ts';
import type { Change } from '../journal/change.ts';
import type { Unit } from '../journal/unit.ts';
import { type GovernanceContext, governanceFact } from './governance-fact.ts';
import type { PackRef } from './pack.ts';
import { policyRevOf, withoutPack, withPack } from './policy-rev.ts';

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
  const stored = { write: 'policy-pack.store' as const, values: { digest, name, version, source, stored_at: context.at } };
  return nextSet(context, active, withPack(active?.packs ?? [], ref), {
    fact: 'policy.activate',
    pack: ref,
    active: true,
    before: [stored],
  });
}

/**
 * Takes the pack of a name out of the active set: the next activation without it, recorded and told as any other change of the set. Null when
 * none of that name is active. It stays stored, and can be activated again.
 */
export function deactivatePack(context: GovernanceContext, name: string, reason: string, active: ActiveSet): PackActivation | null {
  const pack = active?.packs.find((one) => one.name === name);
  if (active === null || pack === undefined) return null;
  return nextSet(context, active, withoutPack(active.packs, name), { fact: 'policy.deactivate', pack, active: false, reason });
}

type SetChange = {
  readonly fact: 'policy.activate' | 'policy.deactivate';
  readonly pack: PackRef;
  readonly active: boolean;
  readonly reason?: string;
  readonly before?: readonly Change[];
};

function nextSet(context: GovernanceContext, active: ActiveSet, packs: readonly PackRef[], what: SetChange): PackActivation {
  const { name, version, digest } = what.pack;
  const pack: PackRef = { name, version, digest };
  const policy_rev = policyRevOf(packs);
  const activation = (active?.activation ?? 0) + 1;
  const { at, actor, environment } = context;
  const change = { from: active?.policy_rev ?? null, to: policy_rev, activation };
  const unit: Unit = {
    label: what.fact,
    changes: [
      ...(what.before ?? []),
      {
        write: 'policy.activate',
        values: { activation, policy_rev, packs: JSON.stringify(packs), activated_at: at, activated_by: actor.actor_id },
      },
    ],
    records: [
      governanceFact(context, {
        fact: what.fact,
        subject: `policy/${name}`,
        digest,
        about: [subjectOf(`policy/${name}@${version}`, digest), subjectOf('policy_rev', policy_rev)],
        ...(what.reason === undefined ? {} : { reason: what.reason }),
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
        data: { ...change, pack, active: what.active },
      },
    ],
  };
  return { unit, activation, policy_rev, packs };
}
