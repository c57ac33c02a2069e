import { Problem } from '@govctl/core/api';
import { type Signer, signCheckpoint } from '@govctl/core/evidence';
import type { LogSeal } from '../journal/index.ts';
import type { CheckpointOf } from './evidence-bytes.ts';
import { Kept } from './kept.ts';
import type { LogStanding, SecondPlace } from './second-place.ts';

export type KeptSeal = LogSeal & {
  /** Signs a head that was committed before. @throws Problem `evidence-unavailable` where nothing may be signed */
  readonly checkpointOf: CheckpointOf;
};

/** The heads under which records are read again and again: the same head is signed to the same bytes. */
const notesAtMost = 64;

/** Signs checkpoints while the log continues what was signed before, and carries each to the second place. */
export function keptSeal(options: {
  readonly standing: LogStanding;
  readonly origin: string;
  readonly signer: Signer;
  readonly place: SecondPlace;
}): KeptSeal {
  const { standing, origin, signer, place } = options;
  const refusedForGood = 'why' in standing ? standing.why : null;
  const sign: CheckpointOf = (head) => signCheckpoint({ origin, size: head.size, root: head.root }, signer);
  const notes = new Kept<string>(notesAtMost);
  return {
    refusal: () => refusedForGood ?? place.trouble(),
    seal(head) {
      const note = sign(head);
      place.keep(note);
      return note;
    },
    checkpointOf(head) {
      if (refusedForGood !== null) throw refusesToSign(refusedForGood);
      const key = `${head.size} ${Buffer.from(head.root).toString('base64')}`;
      return notes.get(key) ?? notes.keep(key, sign(head));
    },
  };
}

/** What is told where nothing may be signed. */
export function refusesToSign(why: string): Problem {
  return new Problem('evidence-unavailable', {
    detail: `the evidence log signs nothing: ${why}`,
    hint: 'after a restore: stop govd, then govd log adopt --state-dir D --reason ...; otherwise put the newer database back',
  });
}
