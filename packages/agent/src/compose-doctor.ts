import { existsSync } from 'node:fs';
import type { DoctorFinding } from '@govctl/core/api';
import { Problem } from '@govctl/core/api';
import type { GovdConfig } from '@govctl/core/config';
import { pino } from 'pino';
import { loadConfig } from './config/live-config.ts';
import { type Database, migrationState, openSqlite, requireDatabase, SqliteReader, sqliteMigrations } from './db/index.ts';
import { durabilityFinding } from './doctor/durability.ts';
import { failedBy, pass, warn } from './doctor/finding.ts';
import { diskFindings, ownershipFindings, secretFindings } from './doctor/folder.ts';
import { logFinding, recordedTimeFinding } from './doctor/log.ts';
import { loopWatch } from './loop/loop-watch.ts';
import { type StateDir, stateDir } from './state/index.ts';
import { openStore } from './store/index.ts';

/**
 * `govd doctor`: looks at a state folder, whether a daemon runs on it or not. Writes nothing, takes no lock, and goes on after what it
 * cannot read.
 *
 * @throws Problem `usage` when there is no such folder
 */
export async function examineOffline(root: string, now: () => string): Promise<readonly DoctorFinding[]> {
  const dir = stateDir(root);
  if (!existsSync(dir.root))
    throw new Problem('usage', { detail: `there is no folder ${dir.root}`, hint: `govd init --state-dir ${dir.root}` });
  const checks: DoctorFinding[] = [];
  let config: GovdConfig;
  try {
    ({ config } = loadConfig(dir.config));
    checks.push(pass('configuration', dir.config));
  } catch (error) {
    return [failedBy('configuration', error)];
  }
  for (const [name, look] of [
    ['state-dir', () => ownershipFindings(dir)],
    ['disk', () => diskFindings(dir)],
  ] as const) {
    try {
      checks.push(...look());
    } catch (error) {
      checks.push(failedBy(name, error));
    }
  }
  checks.push(...secretFindings(dir, config, process.env.CREDENTIALS_DIRECTORY, now()));
  await using opened = new AsyncDisposableStack();
  try {
    const { database, schema, clock } = await reading(opened, dir, config, now);
    checks.push(
      schema,
      await durabilityFinding(database),
      await logFinding(database, dir, config),
      await recordedTimeFinding(database, clock()),
    );
  } catch (error) {
    checks.push(failedBy('database', error));
  }
  return checks;
}

async function reading(
  opened: AsyncDisposableStack,
  dir: StateDir,
  config: GovdConfig,
  now: () => string,
): Promise<{ readonly database: Database; readonly schema: DoctorFinding; readonly clock: () => string }> {
  if (config.store.postgres !== undefined) {
    const store = opened.adopt(await openStore(dir, config, { now, logger: pino({ level: 'silent' }), loops: loopWatch() }), (it) =>
      it.close(),
    );
    const { current, latest } = store.schema;
    return { database: store.database, schema: pass('schema', `schema ${current} of ${latest}, in PostgreSQL`), clock: store.now };
  }
  requireDatabase(dir.database);
  requireDatabase(dir.births);
  const handle = opened.adopt(openSqlite(dir.database, 'read'), (it) => void it.close());
  const { current, latest, pending } = migrationState(handle, sqliteMigrations);
  const schema =
    pending.length === 0
      ? pass('schema', `schema ${current} of ${latest}`)
      : warn(
          'schema',
          `schema ${current} of ${latest}: the next start of govd brings it forward, and an older govd may not use it afterwards`,
          `govd migrate --state-dir ${dir.root}`,
        );
  return { database: new SqliteReader(handle), schema, clock: now };
}
