import type { Command } from 'commander';
import {
  birthsMigrations,
  type Migration,
  type MigrationState,
  migrate,
  migrationState,
  openSqlite,
  requireDatabase,
  sqliteMigrations,
  takeInstanceLock,
} from '../db/index.ts';
import { stateDir } from '../state/index.ts';

export function addMigrate(program: Command, now: () => string): void {
  program
    .command('migrate')
    .description('Bring the databases of a stopped daemon to the schema of this program; govd run does it by itself')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .option('--check', 'say what is pending and change nothing; exit 1 when something is', false)
    .action(({ stateDir: root, check }: { stateDir: string; check: boolean }) => {
      const dir = stateDir(root);
      const lock = check ? { release: () => {} } : takeInstanceLock(dir.instanceLock);
      try {
        const states = [
          schemaOf('govd.db', dir.database, sqliteMigrations, check, now),
          schemaOf('births.db', dir.births, birthsMigrations, check, now),
        ];
        if (check && states.some((state) => state.pending.length > 0)) process.exitCode = 1;
      } finally {
        lock.release();
      }
    });
}

function schemaOf(name: string, path: string, migrations: readonly Migration[], check: boolean, now: () => string): MigrationState {
  requireDatabase(path);
  const handle = openSqlite(path);
  try {
    const before = migrationState(handle, migrations);
    const after = check ? before : migrate(handle, migrations, now);
    const done = check
      ? `pending: ${before.pending.join(', ') || 'nothing'}`
      : `applied: ${before.pending.join(', ') || 'nothing, already so'}`;
    process.stdout.write(`${name}: schema ${after.current} of ${after.latest}; ${done}\n`);
    return after;
  } finally {
    handle.close();
  }
}
