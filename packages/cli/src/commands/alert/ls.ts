import type { Run } from '../../command.ts';
import type { alertLs } from './declaration.ts';

export const run: Run<typeof alertLs> = async ({ client }, _args, flags) => ({
  document: await client.call('alert.ls', {
    query: { tenant_id: flags.tenant, ...(flags.all ? { all: 'true' as const } : {}) },
  }),
});
