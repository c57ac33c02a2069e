import type { ExitName } from '@govctl/core/api';
import type { RunDocument } from '@govctl/core/job';
import type { CommandContext } from '../../command.ts';
import { counted } from '../../output/counted.ts';
import type { CommandResult } from '../../output/result.ts';
import { followStates } from './follow-states.ts';

export function hasEnded({ phase }: Pick<RunDocument, 'phase'>): boolean {
  return phase === 'COMPLETED' || phase === 'FAILED';
}

/** How an ended job ends the process; an open one that was only submitted is no failure. */
export function exitOf({ phase, status }: Pick<RunDocument, 'phase' | 'status'>): ExitName {
  if (phase !== 'FAILED') return 'ok';
  return status === 'failed_policy' ? 'deny' : 'failed';
}

/** What a run does, in one line. */
export function standingOf(run: RunDocument): string {
  const { phase, status, manifest, running, waiting_on } = run;
  const where = running === null ? '' : `, step ${running.step}${running.attempt > 1 ? ` (attempt ${running.attempt})` : ''}`;
  const waits = waiting_on.length === 0 ? '' : `, waits for ${waiting_on.join(', ')}`;
  return `${phase}/${status}, ${counted(manifest.length, 'step')} ended${where}${waits}`;
}

/** The states of a job from `first` on. */
export function follow(context: Pick<CommandContext, 'client' | 'io' | 'signal'>, first: RunDocument, timeoutMs: number | undefined) {
  const { run_id } = first;
  const followed = {
    ask: () => context.client.call('run.get', { params: { run_id } }, { timeoutMs: 30_000 }),
    hasEnded,
    hint: `govctl run watch ${run_id}; to end it: govctl run stop ${run_id} --reason TEXT`,
  };
  return followStates(context, first, followed, timeoutMs);
}

/** Waits for the end of a run, showing where it is. */
export async function awaitEnd(context: CommandContext, first: RunDocument, timeoutMs: number): Promise<CommandResult> {
  let last = { state: first, ended: false };
  const progress = await context.io.progress(`waiting for ${first.run_id}`);
  try {
    for await (last of follow(context, first, timeoutMs)) progress.phase(standingOf(last.state));
  } catch (error) {
    await progress.fail('stopped waiting');
    throw error;
  }
  const { state, ended } = last;
  await progress.done(`${state.run_id}: ${state.phase}/${state.status}`);
  if (ended) return { document: state, exit: exitOf(state) };
  await context.io.warn(`still open after ${timeoutMs / 1000} s: ${standingOf(state)}\nfix: govctl run watch ${state.run_id}`);
  return { document: state, exit: 'timeout' };
}
