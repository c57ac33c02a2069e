import type { Run } from '../../command.ts';
import { newRunId } from '../promotion/run-id.ts';
import type { runRerun } from './declaration.ts';
import { awaitEnd, exitOf } from './outcome.ts';

export const run: Run<typeof runRerun> = async (context, { run: former }, flags) => {
  const run_id = flags.runId ?? newRunId(context.now());
  await context.io.note(`run_id: ${run_id}`);
  const first = await context.client.call('run.rerun', { params: { run_id: former }, body: { run_id } });
  return flags.wait ? await awaitEnd(context, first, flags.timeout) : { document: first, exit: exitOf(first) };
};
