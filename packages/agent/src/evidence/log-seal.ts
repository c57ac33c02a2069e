import { Problem } from '@govctl/core/api';
import { type Signer, signCheckpoint } from '@govctl/core/evidence';
import type { LogSeal } from '../journal/index.ts';
import type { CheckpointOf } from './evidence-bytes.ts';
import type { LogStanding, SecondPlace } from './second-place.ts';

export type KeptSeal = LogSeal & {
  /** Signs a head that was committed before. @throws Problem `evidence-unavailable` where nothing may be signed */
  readonly checkpointOf: CheckpointOf;
};

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
  return {
    refusal: () => refusedForGood ?? place.trouble(),
    seal(head) {
      const note = sign(head);
      place.keep(note);
      return note;
    },
    checkpointOf(head) {
      if (refusedForGood !== null) throw refusesToSign(refusedForGood);
      return sign(head);
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
