import type { Run } from '../../command.ts';
import { gateRenderings } from '../../output/gate-report.ts';
import type { decisionGet } from './declaration.ts';

export const run: Run<typeof decisionGet> = async ({ client }, { id }) => {
  const document = await client.call('decision.get', { params: { id } });
  return { document, names: [document.decision_ref ?? document.run_id], renderings: gateRenderings(document) };
};
