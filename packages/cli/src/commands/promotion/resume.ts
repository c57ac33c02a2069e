import type { Run } from '../../command.ts';
import type { promotionResume } from './declaration.ts';
import { exitOf } from './outcome.ts';

export const run: Run<typeof promotionResume> = async ({ client }, { run: run_id }, flags) => {
  const document = await client.call('promotion.resume', { params: { run_id }, body: { reason: flags.reason } });
  return { document, exit: exitOf(document) };
};
