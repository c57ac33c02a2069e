import type { Run } from '../../command.ts';
import type { incidentLs } from './declaration.ts';

export const run: Run<typeof incidentLs> = async ({ client }, _args, flags) => {
  const document = await client.call('incident.ls', {
    query: {
      limit: flags.limit,
      ...(flags.dataset === undefined ? {} : { dataset_id: flags.dataset }),
      ...(flags.tenant === undefined ? {} : { tenant_id: flags.tenant }),
      ...(flags.run === undefined ? {} : { run_id: flags.run }),
      ...(flags.all ? { all: 'true' as const } : {}),
      ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
    },
  });
  return { document, names: document.items.map(({ incident_id }) => incident_id) };
};
