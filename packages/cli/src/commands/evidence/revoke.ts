import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { evidenceRevoke } from './declaration.ts';

export const run: Run<typeof evidenceRevoke> = async ({ client }, _args, { jti, actor, ref, reason }) => {
  const given = [jti, actor, ref].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new Problem('usage', {
      detail: given.length === 0 ? 'nothing says which URLs to end' : 'one of --jti, --actor and --ref at a time',
      hint: 'give --jti, --actor or --ref; govctl evidence capabilities shows what is open',
    });
  }
  const document = await client.call('evidence.revoke', {
    body: {
      reason,
      ...(jti === undefined ? {} : { jti }),
      ...(actor === undefined ? {} : { actor_id: actor }),
      ...(ref === undefined ? {} : { ref }),
    },
  });
  return { document, names: document.jtis };
};
