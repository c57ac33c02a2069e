import { randomBytes } from 'node:crypto';
import { signCheckpoint } from '@govctl/core/evidence';
import { pino } from 'pino';
import { loadConfig, serviceReleaseId } from './config/live-config.ts';
import { takeInstanceLock } from './db/index.ts';
import { type Adopted, adoptLog } from './evidence/adopt.ts';
import { readNote, writeNote } from './evidence/note-file.ts';
import { readTrust } from './evidence/read-trust.ts';
import { secondPlacePath } from './evidence/second-place-path.ts';
import type { LogVerifyProgress } from './evidence/verify-log.ts';
import { loopWatch } from './loop/loop-watch.ts';
import { keyPlace, loadKeys, signerOf, stateDir } from './state/index.ts';
import { openStore } from './store/index.ts';

/**
 * `govd log adopt` on a stopped daemon: the same lock, keys, trust root and journal, and nothing served.
 *
 * @throws Problem `locked` while a daemon runs on the folder; see `adoptLog` for the others
 */
export async function adoptOffline(
  settings: { readonly root: string; readonly version: string; readonly reason: string },
  seams: { readonly now: () => string; readonly progress: (progress: LogVerifyProgress) => void },
): Promise<Adopted> {
  await using opened = new AsyncDisposableStack();
  const { progress } = seams;
  const dir = stateDir(settings.root);
  const { config } = loadConfig(dir.config);
  const { origin } = config.log;
  opened.adopt(takeInstanceLock(dir.instanceLock), (lock) => lock.release());
  const keys = loadKeys(keyPlace(dir, config, process.env.CREDENTIALS_DIRECTORY));
  const own = { decision: signerOf(keys, 'decision'), log: signerOf(keys, 'log'), capability: signerOf(keys, 'capability') };
  const trust = readTrust(dir.trust, origin, own);
  const store = opened.adopt(
    await openStore(dir, config, { now: seams.now, logger: pino({ level: 'silent' }), loops: loopWatch() }),
    (it) => it.close(),
  );
  const { now } = store;
  const checkpointOf = (head: { readonly size: number; readonly root: Uint8Array }) =>
    signCheckpoint({ origin, size: head.size, root: head.root }, own.log);
  const journal = await store.openJournal({
    signer: own.decision,
    // What is declared here is what replaces the second place, so nobody asks it.
    seal: { refusal: () => null, seal: checkpointOf },
    continues: async () => null,
  });
  const place = secondPlacePath(dir, config);
  return await adoptLog(
    {
      database: store.database,
      trust,
      checkpointOf,
      commit: (record) => journal.commit({ label: 'log.adopt', changes: [], records: [record], events: [] }),
      readNote: () => readNote(place),
      writeNote: (note) => writeNote(place, note),
      deployment: {
        environment: config.environment,
        service_release_id: serviceReleaseId(config, settings.version),
      },
      randomHex: (bytes) => randomBytes(bytes).toString('hex'),
      now,
      progress,
    },
    settings.reason,
  );
}
