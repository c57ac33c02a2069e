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
  if (action === 'deactivate' && eventType !== undefined) {
    const body = flags.reason === undefined ? {} : { reason: flags.reason };
    const document = await client.call('handoff.type-deactivate', { params: { event_type: eventType }, body });
    return { document, names: [document.event_type] };
  }
  const acts = action === 'activate' || action === 'deactivate';
  throw new Problem('usage', {
    detail: acts ? `which event type should be ${action}d?` : `there is no govctl handoff type ${action}`,
    hint: acts ? `govctl handoff type ${action} handoff.object_born` : 'govctl handoff type ls',
  });
};
