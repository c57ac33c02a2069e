import type { Run } from '../../command.ts';
import type { datasetActive } from './declaration.ts';

export const run: Run<typeof datasetActive> = async ({ client, target }, { dataset }, flags) => {
  const document = await client.call('dataset.active', {
    params: { dataset_id: dataset },
    query: {
      tenant_id: flags.tenant ?? (await target()).tenant,
      ...(flags.layer === undefined ? {} : { layer: flags.layer }),
      ...(flags.at === undefined ? {} : { at: flags.at }),
    },
  });
  return { document, names: document.layers.map(({ snapshot_id }) => snapshot_id) };
};
