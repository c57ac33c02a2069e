import type { Run } from '../../command.ts';
import type { promotionGet } from './declaration.ts';
import { shown } from './perform.ts';

export const run: Run<typeof promotionGet> = async ({ client }, { run }, flags) => {
  const promotion = await client.call('promotion.get', { params: { run_id: run } });
  // A question: it exits 0 whatever became of the run.
  const { document, renderings } = await shown(promotion, flags.explain);
  return { document, renderings };
};
