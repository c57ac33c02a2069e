import type { Run } from '../../command.ts';
import type { incidentGet } from './declaration.ts';

export const run: Run<typeof incidentGet> = async ({ client }, { incident }) => {
  const document = await client.call('incident.get', { params: { incident_id: incident } });
  return { document, names: [document.incident_id] };
};
