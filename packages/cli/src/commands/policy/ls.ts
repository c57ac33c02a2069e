import type { Run } from '../../command.ts';
import type { policyLs } from './declaration.ts';

export const run: Run<typeof policyLs> = async ({ client }, _args, flags) => ({
  document: await client.call('policy.ls', {
    query: { ...(flags.name === undefined ? {} : { name: flags.name }), ...(flags.active ? { active: 'true' } : {}) },
  }),
});
