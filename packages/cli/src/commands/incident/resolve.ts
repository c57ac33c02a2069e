import type { Run } from '../../command.ts';
import type { incidentResolve } from './declaration.ts';

export const run: Run<typeof incidentResolve> = async ({ client }, { incident }, flags) => {
  const document = await client.call('incident.resolve', { params: { incident_id: incident }, body: { reason: flags.reason } });
  return { document, names: [document.incident_id] };
};
