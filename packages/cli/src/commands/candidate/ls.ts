import type { Run } from '../../command.ts';
import type { candidateLs } from './declaration.ts';

export const run: Run<typeof candidateLs> = async ({ client }, _args, flags) => {
  const document = await client.call('candidate.list', {
    query: {
      limit: flags.limit,
      ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
      ...(flags.status === undefined ? {} : { status: flags.status }),
      ...(flags.type === undefined ? {} : { object_type: flags.type }),
    },
  });
  return { document, names: document.items.map((item) => item.object_key) };
};
