import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { evidenceExport } from './declaration.ts';
import { exportArchive } from './export-archive.ts';
import { pinnedTrust } from './pinned-trust.ts';
import { deliver, readAtMost } from './received.ts';
import { evidenceFileLimit } from './verification.ts';

export const run: Run<typeof evidenceExport> = async (context, { run: run_id }, flags) => {
  const { since, until, dataset, tenant, out } = flags;
  if ((run_id === undefined) === (since === undefined)) {
    const detail = run_id === undefined ? 'nothing says what to export: a run, or a time' : 'a run and --since exclude each other';
    throw new Problem('usage', {
      detail,
      hint: 'govctl evidence export RUN -O run.json, or govctl evidence export --since T -O archive.ndjson',
    });
  }
  if (since !== undefined) {
    if (flags.format !== 'govctl')
      throw new Problem('usage', { detail: `--format ${flags.format} is for a run: an archive has one form`, hint: 'leave --format out' });
    const trust = await pinnedTrust(context, flags.trust);
    return await exportArchive(context, { since, until, dataset, tenant, out }, trust);
  }
  if (run_id === undefined || until !== undefined || dataset !== undefined || tenant !== undefined) {
    throw new Problem('usage', { detail: '--until, --dataset and --tenant go with --since', hint: 'govctl evidence export --help' });
  }
  const trust = await pinnedTrust(context, flags.trust);
  const { body } = await context.client.download('evidence.export', { params: { run_id } });
  const bytes = await readAtMost(body, evidenceFileLimit, 'an export at most');
  return await deliver(context, { bytes, trust, expected: {}, what: `the export of run ${run_id}`, out, format: flags.format });
};
