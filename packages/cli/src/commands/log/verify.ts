import { logVerificationDocument, logVerifyProgressDocument, Problem, problemSchema } from '@govctl/core/api';
import { openLogCheckpoint } from '@govctl/core/evidence';
import type { Run } from '../../command.ts';
import { pinnedTrust } from '../evidence/pinned-trust.ts';
import type { logVerify } from './declaration.ts';

export const run: Run<typeof logVerify> = async (context, _args, flags) => {
  const { client, io } = context;
  const trust = await pinnedTrust(context, flags.trust);
  const progress = await io.progress('verifying the evidence log');
  try {
    for await (const { event, data } of client.events('log.verify', { body: {} })) {
      if (event === 'progress') {
        const { leaves, leaves_total } = logVerifyProgressDocument.parse(data);
        progress.update({ done: leaves, total: leaves_total, unit: 'leaves' });
      } else if (event === 'problem') {
        const { code, detail, hint } = problemSchema.parse(data);
        throw new Problem(code, { detail, ...(hint === undefined ? {} : { hint }) });
      } else if (event === 'result') {
        const document = logVerificationDocument.parse(data);
        if (document.verified) requireOurs(document, trust);
        const rate = `${document.checked.leaves} leaves, ${document.leaves_per_second} leaves/s`;
        if (document.verified) await progress.done(`verified: ${rate}`);
        else await progress.fail(`${document.failed} findings: ${rate}`);
        return { document, names: [String(document.tree_size)], ...(document.verified ? {} : { exit: 'integrity' as const }) };
      }
    }
    throw new Problem('unreachable', {
      detail: 'govd ended the answer before the result',
      hint: 'govctl doctor; then run the command again',
    });
  } catch (error) {
    await progress.fail();
    throw error;
  }
};

/** What govd found whole must also be the log whose keys were pinned here: a log signed again by somebody else is whole too. */
function requireOurs(
  { checkpoint, tree_size, root }: { checkpoint: string | null; tree_size: number; root: string },
  trust: Parameters<typeof openLogCheckpoint>[1],
): void {
  if (checkpoint === null) throw new Problem('integrity', { detail: 'govd verified a log and did not sign what it verified' });
  const opened = openLogCheckpoint(checkpoint, trust);
  if (opened.size !== tree_size || Buffer.from(opened.root).toString('hex') !== root)
    throw new Problem('integrity', { detail: 'the checkpoint is not of the tree that was verified' });
}
