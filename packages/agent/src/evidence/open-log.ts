import { createPublicKey, type KeyObject } from 'node:crypto';
import { emptyRoot, keyidOf, type Signer } from '@govctl/core/evidence';
import type { Logger } from 'pino';
import type { Database } from '../db/index.ts';
import { type KeyFiles, signerOf } from '../state/index.ts';
import type { AccessDependencies } from './access.ts';
import { type KeptSeal, keptSeal } from './log-seal.ts';
import { advanceNote, readNote } from './note-file.ts';
import { type PinnedTrust, readTrust } from './read-trust.ts';
import { compareLog, type LogStanding, type SecondPlace, secondPlace } from './second-place.ts';

export type OpenedLog = {
  readonly trust: PinnedTrust;
  readonly seal: KeptSeal;
  readonly standing: LogStanding;
  /** Compares the database with the second place again: null, or why it does not continue what was signed. */
  readonly continues: () => Promise<string | null>;
  readonly place: SecondPlace;
  readonly decisionSigner: Signer;
  readonly capabilityKey: {
    readonly signer: { kid: string; key: KeyObject };
    readonly verifiers: readonly { kid: string; key: KeyObject }[];
  };
};

/** Opens the log's keys, trust root and second place, and finds out whether it may be signed. Never refuses to start for that. */
export async function openLog(options: {
  readonly keys: KeyFiles;
  readonly trustPath: string;
  readonly secondPlacePath: string;
  readonly origin: string;
  readonly database: Database;
  readonly logger: Logger;
}): Promise<OpenedLog> {
  const { keys, origin, database, logger, secondPlacePath } = options;
  const own = { decision: signerOf(keys, 'decision'), log: signerOf(keys, 'log'), capability: signerOf(keys, 'capability') };
  const trust = readTrust(options.trustPath, origin, own);
  const standing = await standingOf(database, trust, secondPlacePath);
  const place = secondPlace({
    path: secondPlacePath,
    onError: (error) => logger.error({ err: error }, 'the second place cannot be written'),
  });
  const seal = keptSeal({ standing, origin, signer: own.log, place });
  if ('why' in standing) logger.error({ why: standing.why }, 'the evidence log signs nothing until this is resolved');
  if (standing.is === 'new') {
    const note = seal.checkpointOf({ size: 0, root: emptyRoot });
    // Before the first leaf: a crash right after it must not look like a second place that was taken away.
    await advanceNote(secondPlacePath, note).catch(() => place.keep(note));
  } else if (standing.is === 'continues' && standing.head.size > standing.last_signed) {
    place.keep(seal.checkpointOf(standing.head));
    logger.info({ from: standing.last_signed, to: standing.head.size }, 'the second place catches up: consistency proved');
  }
  const continues = async () => {
    // A second place that cannot be read now has not become another one.
    const again = await compareLog(database, trust.root, await readNote(secondPlacePath));
    return 'why' in again ? again.why : null;
  };
  return {
    trust,
    seal,
    standing,
    continues,
    place,
    decisionSigner: own.decision,
    capabilityKey: capabilityKeyOf(keys.capability, own.capability),
  };
}

async function standingOf(database: Database, trust: PinnedTrust, path: string): Promise<LogStanding> {
  let note: string | null;
  try {
    note = await readNote(path);
  } catch (error) {
    return { is: 'unreadable', why: (error as Error).message };
  }
  return await compareLog(database, trust.root, note);
}

function capabilityKeyOf(key: KeyObject, signer: Signer): Pick<AccessDependencies['capability'], 'signer' | 'verifiers'> {
  const kid = keyidOf(signer.public_key_spki).slice(0, 16);
  return { signer: { kid, key }, verifiers: [{ kid, key: createPublicKey(key) }] };
}
