import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { handoffType } from './declaration.ts';

export const run: Run<typeof handoffType> = async ({ client }, { action, 'event-type': eventType }, flags) => {
  if (action === 'ls' && eventType === undefined) {
    const document = await client.call('handoff.types');
    return { document, names: document.items.map((item) => item.event_type) };
  }
  if (action === 'activate' && eventType !== undefined) {
    const body = flags.reason === undefined ? {} : { reason: flags.reason };
    const document = await client.call('handoff.type-activate', { params: { event_type: eventType }, body });
    return { document, names: [document.event_type] };
  }
  throw new Problem('usage', {
    detail: action === 'activate' ? 'which event type should be activated?' : `there is no govctl handoff type ${action}`,
    hint: action === 'activate' ? 'govctl handoff type activate handoff.object_born' : 'govctl handoff type ls',
  });
};
