import type { Run } from '../../command.ts';
import type { tenantResume } from './declaration.ts';

export const run: Run<typeof tenantResume> = async ({ client }, { tenant }, flags) => ({
  document: await client.call('tenant.resume', { params: { tenant_id: tenant }, body: { reason: flags.reason } }),
  names: [tenant],
});
