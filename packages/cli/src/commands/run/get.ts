import type { Run } from '../../command.ts';
import type { runGet } from './declaration.ts';

export const run: Run<typeof runGet> = async ({ client }, { run: run_id }) => ({
  document: await client.call('run.get', { params: { run_id } }),
});
