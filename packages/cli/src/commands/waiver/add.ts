import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { waiverAdd } from './declaration.ts';

export const run: Run<typeof waiverAdd> = async ({ client, now, target }, { rule }, flags) => {
  if ((flags.for === undefined) === (flags.until === undefined)) {
    throw new Problem('usage', {
      detail: flags.for === undefined ? 'a waiver ends: --for or --until must be given' : '--for and --until both say when it ends',
      hint: 'for a week: --for 7d',
    });
  }
  return {
    document: await client.call('waiver.add', {
      body: {
        rule,
        dataset_id: flags.dataset,
        tenant_id: flags.tenant ?? (await target()).tenant,
        ...(flags.to === undefined ? {} : { layer: flags.to }),
        ...(flags.snapshot === undefined ? {} : { snapshot_id: flags.snapshot }),
        reason: flags.reason,
        expires_at: flags.until ?? new Date(now().getTime() + (flags.for ?? 0)).toISOString(),
      },
    }),
  };
};
