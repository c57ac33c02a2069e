import type { Run } from '../../command.ts';
import type { ospaLs } from './declaration.ts';

export const run: Run<typeof ospaLs> = async ({ client }) => {
  const document = await client.call('ospa.list');
  return { document, names: document.items.map((item) => item.authorization_id) };
};
