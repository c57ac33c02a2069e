import { Problem, problemSchema, snapshotVerificationDocument, verifyProgressDocument } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { snapshotVerify } from './declaration.ts';

export const run: Run<typeof snapshotVerify> = async ({ client, io }, { snapshot }) => {
  const progress = await io.progress(`reading ${snapshot} again`);
  try {
    for await (const { event, data } of client.events('snapshot.verify', { params: { snapshot_id: snapshot }, body: {} })) {
      if (event === 'progress') {
        const { bytes, bytes_total } = verifyProgressDocument.parse(data);
        progress.update({ done: bytes, total: bytes_total, unit: 'bytes' });
      } else if (event === 'problem') {
        const { code, detail, hint } = problemSchema.parse(data);
        throw new Problem(code, { detail, ...(hint === undefined ? {} : { hint }) });
      } else if (event === 'result') {
        const document = snapshotVerificationDocument.parse(data);
        if (document.verified) await progress.done();
        else await progress.fail(`not what was registered: ${document.failed_objects} of ${document.objects_read} objects read`);
        return { document, names: [document.snapshot_id], ...(document.verified ? {} : { exit: 'integrity' as const }) };
      }
    }
    throw new Problem('unreachable', {
      detail: 'govd ended the answer before the result: nothing was recorded',
      hint: 'govctl doctor; then run the command again',
    });
  } catch (error) {
    await progress.fail();
    throw error;
  }
};
