import type { Run } from '../../command.ts';
import type { holdPlace } from './declaration.ts';

export const run: Run<typeof holdPlace> = async ({ client }, _args, { dataset, layer, tenant, reason }) => {
  const document = await client.call('hold.place', { body: { tenant_id: tenant, dataset_id: dataset, layer, reason } });
  return { document, names: [document.hold_id] };
};
