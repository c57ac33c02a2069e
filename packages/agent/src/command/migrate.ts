import { existsSync } from 'node:fs';
import { loadConfig } from '../config/live-config.ts';
import {
  birthsMigrations,
  type Migration,
  migrate,
  migrationState,
  openSqlite,
  requireDatabase,
  sqliteMigrations,
  takeInstanceLock,
} from '../db/index.ts';
import { stateDir } from '../state/index.ts';
import { migrateSchemas, type SchemaChange } from '../store/index.ts';

/** `govd migrate`. */
export async function migrateDatabases(
  { stateDir: root, check }: { readonly stateDir: string; readonly check: boolean },
  now: () => string,
) {
  const dir = stateDir(root);
  // A state folder without a configuration has its databases in it.
  const config = existsSync(dir.config) ? loadConfig(dir.config).config : undefined;
  const postgres = config?.store.postgres;
  const lock = check ? { release: () => {} } : takeInstanceLock(dir.instanceLock);
  try {
    const changes =
      config !== undefined && postgres !== undefined
        ? await migrateSchemas(config, postgres, dir.root, { check, now })
        : [
            schemaOf('govd.db', dir.database, sqliteMigrations, check, now),
            schemaOf('births.db', dir.births, birthsMigrations, check, now),
          ];
    for (const change of changes) tell(change, check);
    if (check && changes.some(({ before }) => before.pending.length > 0)) process.exitCode = 1;
  } finally {
    lock.release();
  }
}

function tell({ name, before, after }: SchemaChange, check: boolean): void {
  const done = check
    ? `pending: ${before.pending.join(', ') || 'nothing'}`
    : `applied: ${before.pending.join(', ') || 'nothing, already so'}`;
  process.stdout.write(`${name}: schema ${after.current} of ${after.latest}; ${done}\n`);
}

function schemaOf(name: string, path: string, migrations: readonly Migration[], check: boolean, now: () => string): SchemaChange {
  requireDatabase(path);
  const handle = openSqlite(path);
  try {
    const before = migrationState(handle, migrations);
    return { name, before, after: check ? before : migrate(handle, migrations, now) };
  } finally {
    handle.close();
  }
}
