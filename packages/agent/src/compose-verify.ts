import { readFileSync } from 'node:fs';
import { type LogVerificationDocument, Problem } from '@govctl/core/api';
import type { GovdConfig } from '@govctl/core/config';
import { loadTrust, type TrustRoot } from '@govctl/core/evidence';
import { pino } from 'pino';
import { loadConfig } from './config/live-config.ts';
import {
  type Database,
  migrationState,
  openSqlite,
  requireDatabase,
  SqliteReader,
  sqliteMigrations,
  takeInstanceLock,
} from './db/index.ts';
import { type LogVerifyProgress, verifyLog } from './evidence/verify-log.ts';
import { loopWatch } from './loop/loop-watch.ts';
import { type StateDir, stateDir } from './state/index.ts';
import { openStore } from './store/index.ts';

/**
 * `govd log verify` on a stopped daemon: reads the log of a state folder again, with its trust root and without a private key. Nothing is
 * written and nothing is signed.
 *
 * @throws Problem `locked` while a daemon runs on the folder, `unavailable` when the database cannot be read by this program
 */
export async function verifyOffline(
  root: string,
  seams: { readonly now: () => string; readonly progress: (progress: LogVerifyProgress) => void },
): Promise<LogVerificationDocument> {
  await using opened = new AsyncDisposableStack();
  const dir = stateDir(root);
  const { config } = loadConfig(dir.config);
  if (config.store.postgres === undefined) requireDatabase(dir.database);
  opened.adopt(takeInstanceLock(dir.instanceLock), (lock) => lock.release());
  const trust = pinned(dir.trust);
  const database = await reading(opened, dir, config, seams.now);
  const work = verifyLog({ database, trust });
  for (;;) {
    const step = await work.next();
    if (step.done === true) return step.value;
    seams.progress(step.value);
  }
}

async function reading(opened: AsyncDisposableStack, dir: StateDir, config: GovdConfig, now: () => string): Promise<Database> {
  if (config.store.postgres !== undefined) {
    const logger = pino({ level: 'silent' });
    return opened.adopt(await openStore(dir, config, { now, logger, loops: loopWatch() }), (store) => store.close()).database;
  }
  const handle = opened.adopt(openSqlite(dir.database, 'read'), (it) => void it.close());
  const { pending } = migrationState(handle, sqliteMigrations);
  if (pending.length > 0)
    throw new Problem('unavailable', {
      detail: `the database ${dir.database} is of an older release: it lacks ${pending.join(', ')}`,
      hint: `govd migrate --state-dir ${dir.root}`,
    });
  return new SqliteReader(handle);
}

function pinned(path: string): TrustRoot {
  try {
    return loadTrust(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Problem('unavailable', {
      detail: `the trust root ${path} cannot be read: ${(cause as Error).message}`,
      hint: 'restore it from a backup: it is the file that verifiers of this deployment pinned',
      cause,
    });
  }
}
