import type { Run } from '../../command.ts';
import type { lockLs } from './declaration.ts';

export const run: Run<typeof lockLs> = async ({ client }, _args, { all, limit, cursor }) => {
  const document = await client.call('lock.ls', {
    query: { limit, ...(all ? { all: 'true' as const } : {}), ...(cursor === undefined ? {} : { cursor }) },
  });
  return { document, names: document.items.map(({ lock_key }) => lock_key) };
};
