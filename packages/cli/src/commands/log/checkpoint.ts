import { Problem } from '@govctl/core/api';
import { cosignaturesOf, openWitnessedCheckpoint } from '@govctl/core/evidence';
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
  const { origin, size, root, text, others } = openWitnessedCheckpoint(note, trust);
  const witnesses = cosignaturesOf(text, others, trust.witnesses?.keys ?? []).map(({ name, time }) => ({
    name,
    cosigned_at: new Date(time * 1000).toISOString(),
  }));
  if (flags.maxAge !== undefined) {
    const oldest = context.now().getTime() - flags.maxAge;
    const fresh = witnesses.filter(({ cosigned_at }) => Date.parse(cosigned_at) >= oldest).length;
    const needed = trust.witnesses?.quorum;
    if (needed === undefined)
      throw new Problem('usage', {
        detail: 'the age of a checkpoint is the word of witnesses, and the trust root names none',
        hint: 'govctl log witness --help',
      });
    if (fresh < needed)
      throw new Problem('integrity', {
        detail: `${fresh} of ${needed} witnesses saw the tree of ${size} leaves lately: this view may be frozen`,
        hint: 'ask another way to the same log; which witness is away: govctl doctor',
      });
  }
  const document = asDocument('Checkpoint', { origin, tree_size: size, root: Buffer.from(root).toString('hex'), witnesses, note });
  return { document, names: [String(size)], renderings: { note: () => note } };
};
