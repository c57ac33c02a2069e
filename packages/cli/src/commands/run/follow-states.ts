import { setTimeout as sleep } from 'node:timers/promises';
import { isProblem, Problem, type ProblemCode } from '@govctl/core/api';
import type { CommandContext } from '../../command.ts';

/** How often a run is asked for: soon at first, since most runs end at once; then calmly. */
const pace = { first: 100, last: 2000, growth: 1.6 };
/** What a restart of govd looks like from here. The run survives it, and so does the waiting. */
const passing: ReadonlySet<ProblemCode> = new Set(['not-started', 'stale-socket', 'unreachable', 'unavailable']);

type Followed<T> = {
  readonly ask: () => Promise<T>;
  readonly hasEnded: (state: T) => boolean;
  /** What to do about a run that goes on while nobody waits for it. */
  readonly hint: string;
};

/**
 * The states of a run from `first` on, each once, until it has ended or `timeoutMs` is over.
 *
 * @throws Problem `cancelled` on Ctrl-C, saying that the run goes on; what is in the way when govd stays away until the time is over
 */
export async function* followStates<T extends { readonly run_id: string }>(
  { io, signal }: Pick<CommandContext, 'io' | 'signal'>,
  first: T,
  { ask, hasEnded, hint }: Followed<T>,
  timeoutMs: number | undefined,
): AsyncGenerator<{ readonly state: T; readonly ended: boolean }> {
  const until = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  const goesOn = () => new Problem('cancelled', { detail: `the waiting ended, the run did not: ${first.run_id} goes on in govd`, hint });
  let seen = JSON.stringify(first);
  let away: unknown;
  let pause = pace.first;
  yield { state: first, ended: hasEnded(first) };
  if (hasEnded(first)) return;
  for (;;) {
    const left = until - performance.now();
    if (left <= 0) {
      if (away !== undefined) throw away;
      return;
    }
    await sleep(Math.min(pause, left), undefined, { signal }).catch(() => {
      throw goesOn();
    });
    pause = Math.min(pause * pace.growth, pace.last);
    let state: T;
    try {
      state = await ask();
      away = undefined;
    } catch (error) {
      if (signal.aborted) throw goesOn();
      if (!isProblem(error) || !passing.has(error.code)) throw error;
      if (away === undefined) await io.warn(`govd does not answer (${error.message}); waiting for it, the run is safe`);
      away = error;
      continue;
    }
    const now = JSON.stringify(state);
    if (now === seen) continue;
    seen = now;
    pause = pace.first;
    yield { state, ended: hasEnded(state) };
    if (hasEnded(state)) return;
  }
}
