import { setTimeout as sleep } from 'node:timers/promises';
import { isProblem, Problem, type ProblemCode } from '@govctl/core/api';
import type { PromotionDocument } from '@govctl/core/promotion';
import type { CommandContext } from '../../command.ts';
import { hasEnded } from './outcome.ts';

/** How often the run is asked for: soon at first, since most runs end at once; then calmly. */
const pace = { first: 100, last: 2000, growth: 1.6 };
/** What a restart of govd looks like from here. The run survives it, and so does the waiting. */
const passing: ReadonlySet<ProblemCode> = new Set(['not-started', 'stale-socket', 'unreachable', 'unavailable']);

export type Followed = { readonly promotion: PromotionDocument; readonly ended: boolean };

/**
 * The states of a run from `first` on, each once, until it has ended or `timeoutMs` is over. Nothing is asked where the first state is
 * the last.
 *
 * @throws Problem `cancelled` on Ctrl-C, saying that the run goes on; what is in the way when govd stays away until the time is over
 */
export async function* follow(
  { client, io, signal }: Pick<CommandContext, 'client' | 'io' | 'signal'>,
  first: PromotionDocument,
  timeoutMs: number | undefined,
): AsyncGenerator<Followed> {
  const { run_id } = first;
  const until = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  let seen = JSON.stringify(first);
  let away: unknown;
  let pause = pace.first;
  yield { promotion: first, ended: hasEnded(first) };
  if (hasEnded(first)) return;
  for (;;) {
    const left = until - performance.now();
    if (left <= 0) {
      if (away !== undefined) throw away;
      return;
    }
    await sleep(Math.min(pause, left), undefined, { signal }).catch(() => {
      throw goesOn(run_id);
    });
    pause = Math.min(pause * pace.growth, pace.last);
    let promotion: PromotionDocument;
    try {
      promotion = await client.call('promotion.get', { params: { run_id } }, { timeoutMs: 30_000 });
      away = undefined;
    } catch (error) {
      if (signal.aborted) throw goesOn(run_id);
      if (!isProblem(error) || !passing.has(error.code)) throw error;
      if (away === undefined) await io.warn(`govd does not answer (${error.message}); waiting for it, the run is safe`);
      away = error;
      continue;
    }
    const now = JSON.stringify(promotion);
    if (now === seen) continue;
    seen = now;
    pause = pace.first;
    yield { promotion, ended: hasEnded(promotion) };
    if (hasEnded(promotion)) return;
  }
}

function goesOn(runId: string): Problem {
  return new Problem('cancelled', {
    detail: `the waiting ended, the run did not: ${runId} goes on in govd`,
    hint: `govctl promotion watch ${runId}; to end it: govctl promotion cancel ${runId} --reason TEXT`,
  });
}

/** What a run that is still open waits for, in one line. */
export function unmet(promotion: PromotionDocument): string {
  const { pause } = promotion;
  if (pause !== null) return `it is paused by ${pause.paused_by} until ${pause.expires_at}: ${pause.detail}`;
  const waiting = promotion.decision?.gates.filter(({ outcome }) => outcome === 'defer') ?? [];
  const reasons = waiting.map(({ code, reason }) => `${code} (${reason})`);
  const again = promotion.next_eligible_at === null ? '' : `; asked again at ${promotion.next_eligible_at}`;
  const state = `${promotion.phase}/${promotion.status}`;
  return reasons.length === 0 ? `it is ${state}${again}` : `it waits for ${reasons.join(', ')}${again}`;
}
