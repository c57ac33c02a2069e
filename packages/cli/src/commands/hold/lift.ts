import type { Run } from '../../command.ts';
import type { holdLift } from './declaration.ts';

export const run: Run<typeof holdLift> = async ({ client }, { hold }, flags) => ({
  document: await client.call('hold.lift', { params: { hold_id: hold }, body: { reason: flags.reason } }),
});
