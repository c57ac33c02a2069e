import { Problem } from '@govctl/core/api';
import { type Actor, mayAffect } from '@govctl/core/identity';
import type { PromotionDocument, RunRow } from '@govctl/core/promotion';
import { isEnded, type Phase } from '@govctl/core/run';
import { Reply } from '../http/index.ts';
import type { PromotionDependencies } from './judge.ts';

/** A run_id that exists: the same request gets its state, or once it ended the same bytes again; another request is refused. */
export async function replay(deps: PromotionDependencies, run: RunRow, digest: string, actor: Actor): Promise<PromotionDocument | Reply> {
  assertSameRequest(run, digest, actor);
  const answer = await deps.answers.answer(run);
  if (!isEnded(run.phase as Phase)) return answer;
  return new Reply(200, JSON.stringify(answer), { 'content-type': 'application/json; charset=utf-8', 'govctl-replayed': 'true' });
}

/** A run_id is spent on one request: dry runs say so as the gate does. Whoever has no grant for the dataset is not told whose it is. */
export function assertSameRequest(run: RunRow, digest: string, actor: Actor): void {
  const mayKnow = mayAffect(actor, 'promotion.read', run) || mayAffect(actor, 'promotion.request', run);
  if (run.request_digest === digest && mayKnow) return;
  throw new Problem('run-id-reused', {
    detail: `run_id ${run.run_id} belongs to another request${mayKnow ? ` (${run.dataset_id} to ${run.to_layer ?? '?'}, ${run.created_at})` : ''}`,
    hint: 'use a new --run-id',
  });
}
