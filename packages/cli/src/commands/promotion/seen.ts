import { Problem } from '@govctl/core/api';
import type { PromotionDocument } from '@govctl/core/promotion';
import type { CommandContext } from '../../command.ts';

/** What a person is about to speak of, shown before it is said, and bound to what they say. */
export async function whatIsSeen({ client, io }: Pick<CommandContext, 'client' | 'io'>, runId: string) {
  const promotion = await client.call('promotion.get', { params: { run_id: runId } });
  const snapshot_hash = promotion.decision?.subject.snapshot_hash ?? null;
  const { policy_rev } = promotion;
  if (snapshot_hash === null || policy_rev === null) {
    throw new Problem('conflict', {
      detail: `run ${runId} is ${promotion.phase}/${promotion.status}, and was judged on no ${snapshot_hash === null ? 'snapshot' : 'policy set'}`,
      hint: `govctl why ${runId}`,
    });
  }
  await io.note(aboutText(promotion));
  return { snapshot_hash, policy_rev };
}

function aboutText({ dataset_id, from_layer, to_layer, snapshot_id, decision, policy_rev }: PromotionDocument): string {
  const open = (decision?.gates ?? []).filter(({ outcome }) => outcome === 'fail' || outcome === 'defer');
  return [
    `${dataset_id} ${from_layer} -> ${to_layer}, snapshot ${snapshot_id} (${decision?.subject.snapshot_hash}), under ${policy_rev}`,
    ...open.map(({ code, reason }) => `  ${code}: ${reason}`),
  ].join('\n');
}
