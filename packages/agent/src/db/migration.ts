import { createHash } from 'node:crypto';
import { Problem } from '@govctl/core/api';
import type { SqliteHandle } from './sqlite.ts';

/** A numbered, forward-only migration. `breaking` means: an older program must not use this schema any more. */
export type Migration = { readonly number: number; readonly name: string; readonly sql: string; readonly breaking: boolean };

export type MigrationState = { readonly current: number; readonly latest: number; readonly pending: readonly string[] };

/** Reads `-- breaking: true|false` from the head of the file; a migration that does not say is refused. */
export function parseMigration(fileName: string, sql: string): Migration {
  const match = /^(\d{4})_([a-z0-9-]+)\.sql$/.exec(fileName);
  const breaking = /^-- breaking: (true|false)$/m.exec(sql);
  if (match === null || breaking === null)
    throw new Error(`migration ${fileName}: name must be NNNN_name.sql and the file must say "-- breaking: true|false"`);
  return { number: Number(match[1]), name: fileName, sql, breaking: breaking[1] === 'true' };
}

const ledger = `CREATE TABLE IF NOT EXISTS schema_migration (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, breaking INTEGER NOT NULL, applied_at TEXT NOT NULL
)`;

/** What a database says it went through. */
export type Applied = { readonly number: number; readonly name: string; readonly digest: string; readonly breaking: number };

function applied(handle: SqliteHandle): Applied[] {
  const exists = handle.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'").get();
  return exists === undefined
    ? []
    : (handle.prepare('SELECT number, name, digest, breaking FROM schema_migration ORDER BY number').all() as Applied[]);
}

/** The digest a database keeps of a migration: an edited one is noticed. */
export function migrationDigest(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

/**
 * What the database has against what this program knows.
 * @throws Problem `unavailable`, see `judgeApplied`
 */
export function migrationState(handle: SqliteHandle, migrations: readonly Migration[]): MigrationState {
  return judgeApplied(applied(handle), migrations);
}

/**
 * What a database went through against what this program knows.
 * @throws Problem `unavailable` when the database went through a newer breaking migration, or history was edited.
 */
export function judgeApplied(done: readonly Applied[], migrations: readonly Migration[]): MigrationState {
  const latest = migrations.at(-1)?.number ?? 0;
  for (const row of done) {
    const known = migrations.find((migration) => migration.number === row.number);
    if (known === undefined && row.breaking === 1) {
      throw new Problem('unavailable', {
        detail: `the database has schema ${row.number} (${row.name}), which this program (schema ${latest}) must not use`,
        hint: 'run the newer govd',
      });
    }
    if (known !== undefined && migrationDigest(known) !== row.digest) {
      throw new Problem('unavailable', {
        detail: `migration ${row.name} is not the one this database went through`,
        hint: 'migrations are forward-only: restore the file and add a new one',
      });
    }
  }
  const current = done.at(-1)?.number ?? 0;
  return { current, latest, pending: migrations.filter((migration) => migration.number > current).map((migration) => migration.name) };
}

/** Applies what is pending, each migration in a transaction of its own; a crash leaves a whole number of them. */
export function migrate(handle: SqliteHandle, migrations: readonly Migration[], now: () => string): MigrationState {
  handle.exec(ledger);
  migrationState(handle, migrations);
  const insert = handle.prepare('INSERT INTO schema_migration (number, name, digest, breaking, applied_at) VALUES (?, ?, ?, ?, ?)');
  const seen = handle.prepare('SELECT 1 FROM schema_migration WHERE number = ?');
  for (const migration of migrations) {
    handle.exec('BEGIN IMMEDIATE');
    try {
      // Asked inside the transaction: a second process that migrates at the same time finds the work done.
      if (seen.get(migration.number) === undefined) {
        handle.exec(migration.sql);
        insert.run(migration.number, migration.name, migrationDigest(migration), migration.breaking ? 1 : 0, now());
      }
      handle.exec('COMMIT');
    } catch (error) {
      if (handle.inTransaction) handle.exec('ROLLBACK');
      throw error;
    }
  }
  return migrationState(handle, migrations);
}
