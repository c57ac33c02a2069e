import type { PromotionDocument } from '@govctl/core/promotion';
import type { CommandContext } from '../../command.ts';
import { followStates } from '../run/follow-states.ts';
import { hasEnded } from './outcome.ts';

export type Followed = { readonly promotion: PromotionDocument; readonly ended: boolean };

/**
 * The states of a promotion from `first` on, each once, until it has ended or `timeoutMs` is over. Nothing is asked where the first state is
 * the last.
 *
 * @throws Problem `cancelled` on Ctrl-C, saying that the run goes on; what is in the way when govd stays away until the time is over
 */
export async function* follow(
  context: Pick<CommandContext, 'client' | 'io' | 'signal'>,
  first: PromotionDocument,
  timeoutMs: number | undefined,
): AsyncGenerator<Followed> {
  const { run_id } = first;
  const followed = {
    ask: () => context.client.call('promotion.get', { params: { run_id } }, { timeoutMs: 30_000 }),
    hasEnded,
    hint: `govctl promotion watch ${run_id}; to end it: govctl promotion cancel ${run_id} --reason TEXT`,
  };
  for await (const { state, ended } of followStates(context, first, followed, timeoutMs)) yield { promotion: state, ended };
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
