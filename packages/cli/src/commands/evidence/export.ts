import type { Run } from '../../command.ts';
import type { evidenceExport } from './declaration.ts';
import { pinnedTrust } from './pinned-trust.ts';
import { deliver, readAtMost } from './received.ts';
import { evidenceFileLimit } from './verification.ts';

export const run: Run<typeof evidenceExport> = async (context, { run: run_id }, flags) => {
  const trust = await pinnedTrust(context, flags.trust);
  const { body } = await context.client.download('evidence.export', { params: { run_id } });
  const bytes = await readAtMost(body, evidenceFileLimit, 'an export at most');
  return await deliver(context, { bytes, trust, expected: {}, what: `the export of run ${run_id}`, out: flags.out, format: flags.format });
};
