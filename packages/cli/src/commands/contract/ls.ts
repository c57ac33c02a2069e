import type { Run } from '../../command.ts';
import type { contractLs } from './declaration.ts';

export const run: Run<typeof contractLs> = async ({ client }, _args, flags) => ({
  document: await client.call('contract.ls', {
    query: {
      ...(flags.dataset === undefined ? {} : { dataset_id: flags.dataset }),
      ...(flags.tenant === undefined ? {} : { tenant_id: flags.tenant }),
      ...(flags.contract === undefined ? {} : { contract_id: flags.contract }),
    },
  }),
});
