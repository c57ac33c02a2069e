import type { Run } from '../../command.ts';
import type { waiverRevoke } from './declaration.ts';

export const run: Run<typeof waiverRevoke> = async ({ client }, { waiver }, flags) => ({
  document: await client.call('waiver.revoke', { params: { waiver_id: waiver }, body: { reason: flags.reason } }),
});
