import { isProblem, Problem } from '@govctl/core/api';
import type { PromotionDocument } from '@govctl/core/promotion';
import type { CommandContext } from '../../command.ts';
import { gateRenderings, type Renderings, reportRenderings } from '../../output/gate-report.ts';
import type { CommandResult } from '../../output/result.ts';
import { follow, unmet } from './follow.ts';
import { exitOf, hasEnded } from './outcome.ts';
import type { RequestBody } from './promote.ts';

type How = { readonly wait: boolean; readonly timeout: number; readonly explain: boolean };

/** Sends the request, waits for its end if that was asked, and shows the promotion. */
export async function perform(context: CommandContext, request: RequestBody, how: How): Promise<CommandResult> {
  const { client, io } = context;
  await io.note(`run_id: ${request.run_id}`);
  const first = await client.call('promotion.request', { body: request }, { timeoutMs: 30_000 }).catch((error: unknown) => {
    throw unsure(error, request.run_id);
  });
  return how.wait && !hasEnded(first) ? awaitEnd(context, first, how) : shown(first, how.explain);
}

async function awaitEnd(context: CommandContext, first: PromotionDocument, how: How): Promise<CommandResult> {
  let last = { promotion: first, ended: false };
  const progress = await context.io.progress(`waiting for ${first.run_id}`);
  try {
    for await (last of follow(context, first, how.timeout)) progress.phase(`${last.promotion.phase}/${last.promotion.status}`);
  } catch (error) {
    await progress.fail('stopped waiting');
    throw error;
  }
  const { promotion, ended } = last;
  await progress.done(`${promotion.run_id}: ${promotion.phase}/${promotion.status}`);
  if (ended) return shown(promotion, how.explain);
  await context.io.warn(
    `still open after ${how.timeout / 1000} s: ${unmet(promotion)}\nfix: govctl why ${promotion.run_id}; to wait on: govctl promotion watch ${promotion.run_id}`,
  );
  return { ...(await shown(promotion, how.explain)), exit: 'timeout' };
}

/** A promotion as a result, explained where that was asked. */
export async function shown(
  promotion: PromotionDocument,
  explained: boolean,
): Promise<CommandResult & { readonly document: PromotionDocument; readonly renderings: Renderings }> {
  const { decision, tenant_id, dataset_id, from_layer, to_layer, snapshot_id } = promotion;
  if (decision === null) {
    const subject = [tenant_id, dataset_id, `${from_layer}-${to_layer}`, snapshot_id];
    return { document: promotion, exit: exitOf(promotion), renderings: reportRenderings([{ subject, judged_at: null, answers: [] }]) };
  }
  const renderings = gateRenderings(decision);
  if (!explained) return { document: promotion, exit: exitOf(promotion), renderings };
  const { explain } = await import('@govctl/core/decision');
  return { document: { ...promotion, explanation: explain(decision) }, exit: exitOf(promotion), renderings };
}

/** The connection broke while the answer was awaited: it may have been done. Asking again with the same run_id is safe, and says so. */
export function unsure(error: unknown, runId: string): unknown {
  if (!isProblem(error) || (error.code !== 'unreachable' && error.code !== 'timeout')) return error;
  return new Problem(error.code, {
    detail: `${error.message}; whether ${runId} was accepted is not known`,
    hint: `govctl promotion get ${runId}; sending it again with --run-id ${runId} is safe`,
    cause: error,
  });
}
