import type { Run } from '../../command.ts';
import type { policyDeactivate } from './declaration.ts';

export const run: Run<typeof policyDeactivate> = async (context, { pack }, { reason, expectedPolicyRev: expected }) => {
  const document = await context.client.call('policy.deactivate', {
    params: { pack },
    body: { reason, ...(expected === undefined ? {} : { expected_policy_rev: expected }) },
  });
  if (document.contracts_waiting.length > 0) {
    await context.io.warn(
      `promotions wait (pack-not-active) until ${pack} is active again, or these contracts are applied without it: ${document.contracts_waiting.join(', ')}`,
    );
  }
  return { document, names: [document.pack.digest] };
};
