import { Problem } from '@govctl/core/api';
import { explain } from '@govctl/core/decision';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { whyNot } from './declaration.ts';
import { newRunId } from './run-id.ts';

const below = { GDP: 'RAW', KPI: 'GDP' } as const;

export const run: Run<typeof whyNot> = async (context, { dataset }, flags) => {
  const tenant_id = flags.tenant ?? (await context.target()).tenant;
  const { decision } = await context.client.call('promotion.evaluate', {
    body: {
      run_id: newRunId(context.now()),
      dataset_id: dataset,
      tenant_id,
      from_layer: below[flags.to],
      to_layer: flags.to,
      snapshot_id: flags.snapshot ?? (await newestNotThere(context, { tenant_id, dataset_id: dataset }, flags.to)),
    },
  });
  const { decided_by, promotion_type, policy_rev } = decision;
  return {
    document: asDocument('Explanation', {
      run_id: null,
      phase: null,
      status: null,
      decided_by,
      promotion_type,
      policy_rev,
      ...explain(decision),
    }),
  };
};

/** The newest snapshot that is not ACTIVE in the layer; where all that is left is there, the newest. */
async function newestNotThere(
  { client }: CommandContext,
  target: { readonly tenant_id: string; readonly dataset_id: string },
  layer: 'GDP' | 'KPI',
): Promise<string> {
  const { items } = await client.call('snapshot.ls', { query: { ...target, limit: 2 } });
  const [newest] = items;
  if (newest === undefined) {
    throw new Problem('not-found', {
      detail: `no snapshot of ${target.dataset_id} (tenant ${target.tenant_id})`,
      hint: `govctl snapshot create DIR --dataset ${target.dataset_id} --layer RAW`,
    });
  }
  const { layers } = await client.call('dataset.active', {
    params: { dataset_id: target.dataset_id },
    query: { tenant_id: target.tenant_id, layer },
  });
  // Only one snapshot is ACTIVE in a layer, so that two are enough to find one that is not.
  return (items.find(({ snapshot_id }) => layers.every((pointer) => pointer.snapshot_id !== snapshot_id)) ?? newest).snapshot_id;
}
