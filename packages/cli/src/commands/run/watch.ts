import type { ExitName } from '@govctl/core/api';
import type { RunDocument } from '@govctl/core/job';
import type { Run } from '../../command.ts';
import type { Document } from '../../output/result.ts';
import type { runWatch } from './declaration.ts';
import { exitOf, follow, standingOf } from './outcome.ts';

export const run: Run<typeof runWatch> = async (context, { run: run_id }, flags) => {
  const first = await context.client.call('run.get', { params: { run_id } }, { timeoutMs: 30_000 });
  let exit: ExitName = 'timeout';
  const states = async function* (): AsyncGenerator<Document> {
    let last = first;
    for await (const { state, ended } of follow(context, first, flags.timeout)) {
      last = state;
      if (ended) exit = exitOf(state);
      yield state;
    }
    if (exit === 'timeout') await context.io.warn(`still open: ${standingOf(last)}`);
  };
  return { stream: states(), line: (state) => progressOf(state as RunDocument), exit: () => exit };
};

/** Of a run that goes on by itself, a line; all of one that has ended, or that somebody has to do something about. */
function progressOf(state: RunDocument): string | null {
  return state.status === 'queued' || state.status === 'running' ? `${state.updated_at}  ${standingOf(state)}` : null;
}
