import type { Run } from '../../command.ts';
import type { apikeyRevoke } from './declaration.ts';

export const run: Run<typeof apikeyRevoke> = async ({ client, io }, { key }, flags) => {
  await io.confirmName({
    question: `Take the API key ${key} back for ever?`,
    name: key,
    given: flags.confirm,
    flag: '--confirm',
  });
  return { document: await client.call('apikey.revoke', { params: { key_id: key }, body: { reason: flags.reason } }), names: [key] };
};
