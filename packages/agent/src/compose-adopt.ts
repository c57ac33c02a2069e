import { randomBytes } from 'node:crypto';
import { signCheckpoint } from '@govctl/core/evidence';
import { loadConfig, serviceReleaseId } from './config/live-config.ts';
import { migrate, openSqlite, SqliteReader, sqliteMigrations, takeInstanceLock } from './db/index.ts';
import { type Adopted, adoptLog } from './evidence/adopt.ts';
import { readTrust } from './evidence/read-trust.ts';
import { readNote, writeNote } from './evidence/second-place.ts';
import { secondPlacePath } from './evidence/second-place-path.ts';
import type { LogVerifyProgress } from './evidence/verify-log.ts';
import { SqliteJournal } from './journal/index.ts';
import { loadKeys, signerOf, stateDir } from './state/index.ts';

/**
 * `govd log adopt` on a stopped daemon: the same lock, keys, trust root and journal, and nothing served.
 *
 * @throws Problem `locked` while a daemon runs on the folder; see `adoptLog` for the others
 */
export async function adoptOffline(
  settings: { readonly root: string; readonly version: string; readonly reason: string },
  seams: { readonly now: () => string; readonly progress: (progress: LogVerifyProgress) => void },
): Promise<Adopted> {
  using opened = new DisposableStack();
  const { now, progress } = seams;
  const dir = stateDir(settings.root);
  const { config } = loadConfig(dir.config);
  const { origin } = config.log;
  opened.adopt(takeInstanceLock(dir.instanceLock), (lock) => lock.release());
  const keys = loadKeys(dir.keys);
  const own = { decision: signerOf(keys, 'decision'), log: signerOf(keys, 'log'), capability: signerOf(keys, 'capability') };
  const trust = readTrust(dir.trust, origin, own);
  const writer = opened.adopt(openSqlite(dir.database), (handle) => void handle.close());
  migrate(writer, sqliteMigrations, now);
  const reader = opened.adopt(openSqlite(dir.database, 'read'), (handle) => void handle.close());
  const checkpointOf = (head: { readonly size: number; readonly root: Uint8Array }) =>
    signCheckpoint({ origin, size: head.size, root: head.root }, own.log);
  const journal = new SqliteJournal({ handle: writer, signer: own.decision, seal: { refusal: () => null, seal: checkpointOf }, now });
  const place = secondPlacePath(dir, config);
  return await adoptLog(
    {
      database: new SqliteReader(reader),
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
