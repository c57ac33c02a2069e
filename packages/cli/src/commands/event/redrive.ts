import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { eventRedrive } from './declaration.ts';

export const run: Run<typeof eventRedrive> = async ({ client, io }, _args, flags) => {
  if ((flags.id === undefined) === !flags.all)
    throw new Problem('usage', {
      detail: flags.all ? '--id and --all exclude each other' : 'which dead letters: --id ID or --all',
      hint: 'see them first: govctl event lanes',
    });
  const document = await client.call('event.redrive', {
    body: {
      ...(flags.lane === undefined ? {} : { lane: flags.lane }),
      ...(flags.id === undefined ? { all: true as const } : { event_id: flags.id }),
      ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    },
  });
  if (document.more) await io.note('there are more dead letters: run it again');
  return { document };
};
