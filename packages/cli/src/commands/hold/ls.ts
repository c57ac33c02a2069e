import type { Run } from '../../command.ts';
import type { holdLs } from './declaration.ts';

export const run: Run<typeof holdLs> = async ({ client }, _args, flags) => ({
  document: await client.call('hold.ls', {
    query: {
      ...(flags.dataset === undefined ? {} : { dataset_id: flags.dataset }),
      ...(flags.tenant === undefined ? {} : { tenant_id: flags.tenant }),
      ...(flags.all ? { all: 'true' as const } : {}),
    },
  }),
});
