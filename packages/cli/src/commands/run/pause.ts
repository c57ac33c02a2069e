import type { Run } from '../../command.ts';
import { pauseAsked } from '../pause-flag.ts';
import type { runPause } from './declaration.ts';

export const run: Run<typeof runPause> = async ({ client }, { run: run_id }, flags) => ({
  document: await client.call('run.pause', { params: { run_id }, body: pauseAsked(flags) }),
});
