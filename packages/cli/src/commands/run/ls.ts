import type { Run } from '../../command.ts';
import type { runLs } from './declaration.ts';

export const run: Run<typeof runLs> = async ({ client }, _args, flags) => ({
  document: await client.call('run.ls', {
    query: {
      limit: flags.limit,
      ...(flags.workspace === undefined ? {} : { workspace: flags.workspace }),
      ...(flags.tenant === undefined ? {} : { tenant_id: flags.tenant }),
      ...(flags.status === undefined ? {} : { status: flags.status }),
      ...(flags.open ? { open: 'true' as const } : {}),
      ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
    },
  }),
});
