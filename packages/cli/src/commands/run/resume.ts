import type { Run } from '../../command.ts';
import type { runResume } from './declaration.ts';

export const run: Run<typeof runResume> = async ({ client }, { run: run_id }, flags) => ({
  document: await client.call('run.resume', { params: { run_id }, body: { reason: flags.reason } }),
});
