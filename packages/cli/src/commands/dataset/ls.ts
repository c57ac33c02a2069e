import type { Run } from '../../command.ts';
import type { datasetLs } from './declaration.ts';

export const run: Run<typeof datasetLs> = async ({ client }, _args, flags) => {
  const document = await client.call('dataset.ls', { query: flags.tenant === undefined ? {} : { tenant_id: flags.tenant } });
  return { document, names: document.items.map(({ dataset_id }) => dataset_id) };
};
