import { subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import type { Contract } from './contract.ts';
import { type GovernanceContext, governanceFact } from './governance-fact.ts';

/** The next version of a contract: its row, the dataset's revision (so that decisions see it) and the record of it, or none. */
export function applyContractUnit(
  context: GovernanceContext,
  applied: { readonly contract: Contract; readonly digest: string },
  version: number,
): Unit {
  const { contract, digest } = applied;
  const { contract_id, tenant_id, dataset_id } = contract;
  const { at, actor } = context;
  return {
    label: 'contract.apply',
    changes: [
      {
        write: 'contract.insert',
        values: {
          contract_id,
          version,
          tenant_id,
          dataset_id,
          digest,
          body: JSON.stringify(contract),
          applied_at: at,
          applied_by: actor.actor_id,
        },
      },
      { write: 'dataset.touch', values: { tenant_id, dataset_id, at } },
    ],
    records: [
      governanceFact(context, {
        fact: 'contract.apply',
        subject: `contract/${contract_id}`,
        digest,
        about: [subjectOf(`contract/${contract_id}@${version}`, digest)],
        detail: { version, promotion_types: contract.promotion_types, policy_packs: contract.policy_packs.map((pack) => ({ ...pack })) },
        tenant_id,
        dataset_id,
      }),
    ],
    events: [],
  };
}
