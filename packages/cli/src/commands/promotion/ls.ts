import type { Run } from '../../command.ts';
import type { promotionLs } from './declaration.ts';

export const run: Run<typeof promotionLs> = async ({ client }, _args, flags) => ({
  document: await client.call('promotion.ls', {
    query: {
      limit: flags.limit,
      ...(flags.dataset === undefined ? {} : { dataset_id: flags.dataset }),
      ...(flags.tenant === undefined ? {} : { tenant_id: flags.tenant }),
      ...(flags.status === undefined ? {} : { status: flags.status }),
      ...(flags.open ? { open: 'true' as const } : {}),
      ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
    },
  }),
});
