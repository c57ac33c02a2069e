import type { Run } from '../../command.ts';
import type { tenantSuspend } from './declaration.ts';

export const run: Run<typeof tenantSuspend> = async ({ client, io }, { tenant }, flags) => {
  await io.confirmName({ question: `Let ${tenant} run nothing?`, name: tenant, given: flags.confirm, flag: '--confirm' });
  return {
    document: await client.call('tenant.suspend', { params: { tenant_id: tenant }, body: { reason: flags.reason } }),
    names: [tenant],
  };
};
