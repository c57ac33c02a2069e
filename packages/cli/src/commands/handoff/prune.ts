import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { handoffPrune } from './declaration-operation.ts';

export const run: Run<typeof handoffPrune> = async ({ client, io, signal }, _args, flags) => {
  const { before, keep, dryRun } = flags;
  if (before === undefined && keep === undefined)
    throw new Problem('usage', {
      detail: 'say what may go: --before TIME, --keep N, or both',
      hint: 'govctl handoff prune --keep N --dry-run',
    });
  if (flags.reason === undefined && !dryRun)
    throw new Problem('usage', {
      detail: '--reason is missing: why goes into the record',
      hint: 'govctl handoff prune --keep N --reason TEXT',
    });
  let document = await client.call('handoff.prune', {
    body: {
      ...(before === undefined ? {} : { before }),
      ...(keep === undefined ? {} : { keep }),
      reason: flags.reason ?? 'dry run',
      dry_run: dryRun,
    },
  });
  const { prune_id, planned_rows } = document;
  if (prune_id === null) return { document };
  const survey = document;
  const progress = await io.progress('pruning the changelog');
  try {
    while (!document.finished) {
      if (signal.aborted)
        throw new Problem('cancelled', {
          detail: `interrupted: ${document.removed_rows} of ${planned_rows} rows are gone; run it again for the rest`,
        });
      document = await client.call('handoff.prune-slice', { params: { prune_id } });
      progress.update({ done: document.removed_rows, total: planned_rows, unit: 'rows' });
    }
    await progress.done();
  } catch (error) {
    await progress.fail();
    throw error;
  }
  const { quarantined, oldest, newest } = survey;
  return { document: { ...document, quarantined, oldest, newest }, names: [prune_id] };
};
