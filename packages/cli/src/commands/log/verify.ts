import { logVerificationDocument, logVerifyProgressDocument, Problem, problemSchema } from '@govctl/core/api';
import { decodeBase64, openLogCheckpoint, openWitnessedCheckpoint, type TrustRoot, verifyConsistency } from '@govctl/core/evidence';
import type { CommandContext, Run } from '../../command.ts';
import { pinnedTrust } from '../evidence/pinned-trust.ts';
import { readAtMost } from '../evidence/received.ts';
import type { logVerify } from './declaration.ts';

export const run: Run<typeof logVerify> = async (context, _args, flags) => {
  const { client, io } = context;
  const trust = await pinnedTrust(context, flags.trust);
  const progress = await io.progress('verifying the evidence log');
  let phase = 'leaves';
  try {
    for await (const { event, data } of client.events('log.verify', { body: {} })) {
      if (event === 'progress') {
        const { leaves, leaves_total, phase: now } = logVerifyProgressDocument.parse(data);
        if (now === 'signatures' && now !== phase) progress.phase('checking the remaining signatures');
        phase = now;
        progress.update({ done: leaves, total: leaves_total, unit: 'leaves' });
      } else if (event === 'problem') {
        const { code, detail, hint } = problemSchema.parse(data);
        throw new Problem(code, { detail, ...(hint === undefined ? {} : { hint }) });
      } else if (event === 'result') {
        const document = logVerificationDocument.parse(data);
        if (document.verified) {
          requireOurs(document, trust);
          await requireWitnessed(client, document, trust);
        }
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
  trust: TrustRoot,
): void {
  if (checkpoint === null) throw new Problem('integrity', { detail: 'govd verified a log and did not sign what it verified' });
  const opened = openLogCheckpoint(checkpoint, trust);
  if (opened.size !== tree_size || Buffer.from(opened.root).toString('hex') !== root)
    throw new Problem('integrity', { detail: 'the checkpoint is not of the tree that was verified' });
}

/**
 * Where the root has witnesses, what they cosigned must be this log: its beginning, or what it grew into since. The newest leaves may not
 * have been shown to them yet.
 */
async function requireWitnessed(
  client: CommandContext['client'],
  { tree_size, root }: { readonly tree_size: number; readonly root: string },
  trust: TrustRoot,
): Promise<void> {
  if (trust.witnesses === null) return;
  const { body } = await client.download('log.checkpoint');
  const seen = openWitnessedCheckpoint(await readAtMost(body, 1_000_000, 'a checkpoint at most'), trust);
  const verified = { size: tree_size, root: Buffer.from(root, 'hex') };
  const [older, newer] = seen.size <= tree_size ? [seen, verified] : [verified, seen];
  if (older.size === 0) return;
  const { hashes } = await client.call('log.consistency', { query: { from: older.size, size: newer.size } });
  const proof = hashes.map((hash) => decodeBase64(hash) ?? new Uint8Array(0));
  if (!verifyConsistency(older.size, newer.size, older.root, newer.root, proof))
    throw new Problem('integrity', {
      detail: `witnesses cosigned a tree of ${seen.size} leaves that is not of this log of ${tree_size}`,
      hint: 'keep both: govctl log checkpoint -o note, govctl log mirror DIR',
    });
}
