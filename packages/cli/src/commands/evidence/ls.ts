import type { Run } from '../../command.ts';
import type { evidenceLs } from './declaration.ts';

export const run: Run<typeof evidenceLs> = async ({ client }, _args, { run: run_id, dataset, tenant, kind, limit, cursor }) => {
  const document = await client.call('evidence.ls', {
    query: {
      limit,
      ...(run_id === undefined ? {} : { run_id }),
      ...(dataset === undefined ? {} : { dataset_id: dataset }),
      ...(tenant === undefined ? {} : { tenant_id: tenant }),
      ...(kind === undefined ? {} : { kind }),
      ...(cursor === undefined ? {} : { cursor }),
    },
  });
  return { document, names: document.items.map(({ ref }) => ref) };
};
