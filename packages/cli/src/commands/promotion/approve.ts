import type { Run } from '../../command.ts';
import type { promotionApprove } from './declaration.ts';
import { whatIsSeen } from './seen.ts';

export const run: Run<typeof promotionApprove> = async (context, { run }, flags) => {
  const seen = await whatIsSeen(context, run);
  const document = await context.client.call('promotion.approve', {
    params: { run_id: run },
    body: {
      ...seen,
      reason: flags.reason,
      overrides: flags.overrides,
      expires_at: new Date(context.now().getTime() + flags.for).toISOString(),
      ...(flags.role === undefined ? {} : { role: flags.role }),
    },
  });
  const { needed, given, lacking_roles: lacking } = document.quorum;
  await context.io.note(
    given >= needed && lacking.length === 0
      ? `that is enough; what became of it: govctl promotion watch ${run}`
      : `${given} of ${needed} approvals${lacking.length === 0 ? '' : `, nobody yet as ${lacking.join(', ')}`}; who may: govctl why ${run}`,
  );
  return { document, names: [document.approval_id] };
};
