import { openLogCheckpoint } from '@govctl/core/evidence';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import { pinnedTrust } from '../evidence/pinned-trust.ts';
import { readAtMost } from '../evidence/received.ts';
import type { logCheckpoint } from './declaration.ts';

const noteLimit = 1_000_000;

export const run: Run<typeof logCheckpoint> = async (context, _args, flags) => {
  const trust = await pinnedTrust(context, flags.trust);
  const { body } = await context.client.download('log.checkpoint');
  const note = (await readAtMost(body, noteLimit, 'a checkpoint at most')).toString('utf8');
  const { origin, size, root } = openLogCheckpoint(note, trust);
  const document = asDocument('Checkpoint', { origin, tree_size: size, root: Buffer.from(root).toString('hex'), note });
  return { document, names: [String(size)], renderings: { note: () => note } };
};
