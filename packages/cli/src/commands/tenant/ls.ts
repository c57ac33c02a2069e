import type { Run } from '../../command.ts';
import type { tenantLs } from './declaration.ts';

export const run: Run<typeof tenantLs> = async ({ client }, _args, { tenant, all, limit }) => {
  const document = await client.call('tenant.ls', {
    query: { limit, ...(tenant === undefined ? {} : { tenant_id: tenant }), ...(all ? { all: 'true' as const } : {}) },
  });
  return { document, names: document.items.map(({ tenant_id }) => tenant_id) };
};
