import type { Run } from '../../command.ts';
import type { ospaAuthorize } from './declaration.ts';

export const run: Run<typeof ospaAuthorize> = async ({ client }, { object }, flags) => {
  const document = await client.call('ospa.authorize', {
    body: { scope: object ?? '*', reason: flags.reason, ...(flags.id === undefined ? {} : { authorization_id: flags.id }) },
  });
  return { document, names: [document.authorization_id] };
};
