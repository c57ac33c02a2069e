import type { Run } from '../../command.ts';
import type { snapshotLs } from './declaration.ts';

export const run: Run<typeof snapshotLs> = async ({ client }, _args, { dataset, tenant, limit, cursor }) => {
  const document = await client.call('snapshot.ls', {
    query: {
      limit: Math.min(limit, 500),
      ...(dataset === undefined ? {} : { dataset_id: dataset }),
      ...(tenant === undefined ? {} : { tenant_id: tenant }),
      ...(cursor === undefined ? {} : { cursor }),
    },
  });
  return { document, names: document.items.map(({ snapshot_id }) => snapshot_id) };
};
