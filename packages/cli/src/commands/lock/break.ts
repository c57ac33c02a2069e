import type { Run } from '../../command.ts';
import type { lockBreak } from './declaration.ts';

export const run: Run<typeof lockBreak> = async ({ client, io }, { key }, flags) => {
  await io.confirmName({ question: `Take ${key} away from whoever holds it?`, name: key, given: flags.confirm, flag: '--confirm' });
  return { document: await client.call('lock.break', { body: { lock_key: key, reason: flags.reason } }), names: [key] };
};
