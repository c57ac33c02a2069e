import { Problem, type RouteList, type RouteResponse } from '@govctl/core/api';
import type { CommandContext, Run } from '../../command.ts';
import type { evidenceDisposition } from './declaration.ts';

type Done = RouteResponse<RouteList['disposition.ls']>['items'];

export const run: Run<typeof evidenceDisposition> = async (context, { action }, { reason, limit }) => {
  const { client } = context;
  if (action === 'plan') return { document: await client.call('disposition.plan', {}) };
  if (action === 'ls') {
    const document = await client.call('disposition.ls', { query: limit === undefined ? {} : { limit } });
    return { document, names: document.items.map(({ disposition_id }) => disposition_id) };
  }
  if (action !== 'apply')
    throw new Problem('usage', {
      detail: `there is no govctl evidence disposition ${action}`,
      hint: 'govctl evidence disposition plan',
    });
  if (reason === undefined)
    throw new Problem('usage', {
      detail: '--reason is missing: why goes into the record',
      hint: 'govctl evidence disposition apply --reason TEXT',
    });
  const items = await apply(context, reason);
  return {
    document: { schemaVersion: 'govctl/v1' as const, kind: 'DispositionList' as const, items },
    names: items.map(({ disposition_id }) => disposition_id),
  };
};

/** One list after the other until there is nothing left; each is on record before it is begun. */
async function apply({ client, io, signal }: CommandContext, reason: string): Promise<Done> {
  const done: Done = [];
  const progress = await io.progress('erasing');
  try {
    for (;;) {
      let [current] = (await client.call('disposition.announce', { body: { reason } })).items;
      if (current === undefined) break;
      while (current !== undefined && !current.finished) {
        const { disposition_id, erased, records }: Done[number] = current;
        progress.update({ done: erased, total: records, unit: 'records' });
        if (signal.aborted)
          throw new Problem('cancelled', {
            detail: `interrupted: ${erased} of ${records} payloads of ${disposition_id} are gone`,
            hint: 'govctl evidence disposition apply --reason TEXT',
          });
        [current] = (await client.call('disposition.erase', { params: { disposition_id }, body: {} })).items;
      }
      if (current !== undefined) done.push(current);
    }
    await progress.done();
    return done;
  } catch (error) {
    await progress.fail();
    throw error;
  }
}
