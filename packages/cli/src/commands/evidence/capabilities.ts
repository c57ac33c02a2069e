import type { Run } from '../../command.ts';
import type { evidenceCapabilities } from './declaration.ts';

export const run: Run<typeof evidenceCapabilities> = async ({ client }, _args, { ref, actor, all }) => {
  const document = await client.call('evidence.capabilities', {
    query: {
      ...(ref === undefined ? {} : { ref }),
      ...(actor === undefined ? {} : { actor_id: actor }),
      ...(all ? { all: 'true' as const } : {}),
    },
  });
  return { document, names: document.items.map(({ jti }) => jti) };
};
