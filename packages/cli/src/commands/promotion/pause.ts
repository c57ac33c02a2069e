import type { Run } from '../../command.ts';
import { pauseAsked } from '../pause-flag.ts';
import type { promotionPause } from './declaration.ts';

export const run: Run<typeof promotionPause> = async ({ client }, { run: run_id }, flags) => ({
  document: await client.call('promotion.pause', { params: { run_id }, body: pauseAsked(flags) }),
});
