import type { Run } from '../../command.ts';
import type { promotionCancel } from './declaration.ts';

export const run: Run<typeof promotionCancel> = async ({ client }, { run }, flags) => ({
  document: await client.call('promotion.cancel', { params: { run_id: run }, body: { reason: flags.reason } }),
});
