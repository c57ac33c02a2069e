import { Problem } from '@govctl/core/api';
import { diffContracts } from '@govctl/core/policy';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { contractDiff } from './declaration.ts';

export const run: Run<typeof contractDiff> = async ({ client }, { contract: contract_id }, flags) => {
  const version = (asked: number | undefined) =>
    client.call('contract.get', { params: { contract_id }, query: asked === undefined ? {} : { version: asked } });
  const after = await version(flags.to);
  const from = flags.from ?? after.version - 1;
  if (from === 0) {
    throw new Problem('not-found', {
      detail: `${contract_id} ${after.version} is the first version: there is none before it`,
      hint: `govctl contract get ${contract_id}`,
    });
  }
  const before = await version(from);
  return {
    document: asDocument('ContractDiff', {
      contract_id,
      from: { version: before.version, digest: before.digest, applied_at: before.applied_at, applied_by: before.applied_by },
      to: { version: after.version, digest: after.digest, applied_at: after.applied_at, applied_by: after.applied_by },
      changes: diffContracts(before.contract, after.contract),
    }),
    names: [contract_id],
  };
};
