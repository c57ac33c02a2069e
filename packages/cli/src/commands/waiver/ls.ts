import type { Run } from '../../command.ts';
import type { waiverLs } from './declaration.ts';

export const run: Run<typeof waiverLs> = async ({ client, now }, _args, flags) => ({
  document: await client.call('waiver.ls', {
    query: {
      ...(flags.dataset === undefined ? {} : { dataset_id: flags.dataset }),
      ...(flags.tenant === undefined ? {} : { tenant_id: flags.tenant }),
      ...(flags.expiring === undefined ? {} : { expiring_before: new Date(now().getTime() + flags.expiring).toISOString() }),
      ...(flags.all ? { all: 'true' as const } : {}),
    },
  }),
});
