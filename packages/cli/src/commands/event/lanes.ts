import type { Run } from '../../command.ts';
import type { eventLanes } from './declaration.ts';

export const run: Run<typeof eventLanes> = async ({ client }, _args, flags) => ({
  document: await client.call('event.lanes', {
    query: { limit: flags.limit, ...(flags.lane === undefined ? {} : { lane: flags.lane }) },
  }),
});
