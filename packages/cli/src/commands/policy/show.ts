import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { policyShow } from './declaration.ts';

export const run: Run<typeof policyShow> = async ({ client }, { pack }, flags) => {
  if (pack === undefined) {
    if (flags.source)
      throw new Problem('usage', { detail: '--source shows one pack, and none is named', hint: 'govctl policy ls --active' });
    return { document: await client.call('policy.active') };
  }
  const document = await client.call('policy.get', { params: { pack } });
  return flags.source ? { text: document.source } : { document };
};
