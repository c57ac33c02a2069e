import type { Run } from '../../command.ts';
import { readText } from '../../io/input-file.ts';
import type { policyActivate } from './declaration.ts';

export const run: Run<typeof policyActivate> = async (context, { file }, flags) => {
  const { text: source } = await readText(context, file);
  const expected = flags.expectedPolicyRev;
  const document = await context.client.call('policy.activate', {
    body: { source, ...(expected === undefined ? {} : { expected_policy_rev: expected === 'none' ? null : expected }) },
  });
  if (document.contracts_to_apply.length > 0) {
    await context.io.warn(
      `promotions wait (pack-not-active) until these contracts are applied again and pin ${document.pack.name} ${document.pack.version}: ${document.contracts_to_apply.join(', ')}`,
    );
  }
  return { document, names: [document.pack.digest] };
};
