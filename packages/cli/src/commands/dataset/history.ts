import type { Run } from '../../command.ts';
import type { datasetHistory } from './declaration.ts';

export const run: Run<typeof datasetHistory> = async ({ client, target }, { dataset }, flags) => {
  const { at } = flags;
  const history = await client.call('dataset.history', {
    params: { dataset_id: dataset },
    query: {
      tenant_id: flags.tenant ?? (await target()).tenant,
      ...(flags.layer === undefined ? {} : { layer: flags.layer }),
    },
  });
  const document =
    at === undefined ? history : { ...history, moves: history.moves.filter((move) => Date.parse(move.moved_at) <= Date.parse(at)) };
  return { document, names: document.moves.map(({ snapshot_id }) => snapshot_id) };
};
