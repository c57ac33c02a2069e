import type { Run } from '../../command.ts';
import type { handoffResume } from './declaration.ts';

export const run: Run<typeof handoffResume> = async ({ client }, _args, flags) => ({
  document: await client.call('handoff.resume', { body: { reason: flags.reason, ...(flags.end === undefined ? {} : { end: flags.end }) } }),
});
