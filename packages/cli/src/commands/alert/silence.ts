import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { alertSilence } from './declaration.ts';

const longestMs = 30 * 86_400_000;

export const run: Run<typeof alertSilence> = async ({ client }, { key }, flags) => {
  if (flags.for < 1000 || flags.for > longestMs)
    throw new Problem('usage', { detail: '--for is 1s to 30d', hint: 'silence it again when the time is over' });
  const body = { tenant_id: flags.tenant, alert_key: key, for_s: Math.round(flags.for / 1000), reason: flags.reason };
  return { document: await client.call('alert.silence', { body }) };
};
