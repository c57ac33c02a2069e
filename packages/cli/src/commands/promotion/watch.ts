import type { ExitName } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { Document } from '../../output/result.ts';
import type { promotionWatch } from './declaration.ts';
import { follow, unmet } from './follow.ts';
import { exitOf } from './outcome.ts';

export const run: Run<typeof promotionWatch> = async (context, { run }, flags) => {
  const first = await context.client.call('promotion.get', { params: { run_id: run } }, { timeoutMs: 30_000 });
  let exit: ExitName = 'timeout';
  const states = async function* (): AsyncGenerator<Document> {
    let last = first;
    for await (const { promotion, ended } of follow(context, first, flags.timeout)) {
      last = promotion;
      if (ended) exit = exitOf(promotion);
      yield promotion;
    }
    if (exit === 'timeout') await context.io.warn(`still open: ${unmet(last)}`);
  };
  return { stream: states(), exit: () => exit };
};
