import type { Run } from '../../command.ts';
import type { apikeyLs } from './declaration.ts';

export const run: Run<typeof apikeyLs> = async ({ client }, _args, flags) => ({
  document: await client.call('apikey.ls', {
    query: { ...(flags.actor === undefined ? {} : { actor_id: flags.actor }), ...(flags.all ? { all: 'true' as const } : {}) },
  }),
});
