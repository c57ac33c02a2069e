import type { Run } from '../../command.ts';
import type { promotionReject } from './declaration.ts';
import { whatIsSeen } from './seen.ts';

export const run: Run<typeof promotionReject> = async (context, { run }, flags) => {
  const seen = await whatIsSeen(context, run);
  const role = flags.role === undefined ? {} : { role: flags.role };
  const body = { ...seen, reason: flags.reason, ...role };
  const document = await context.client.call('promotion.reject', { params: { run_id: run }, body });
  return { document, names: [document.approval_id] };
};
