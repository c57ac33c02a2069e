import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Migration, migrate, migrationState, parseMigration } from './migration.ts';
import { birthsMigrations, sqliteMigrations } from './migrations.ts';
import { openSqlite, type SqliteHandle } from './sqlite.ts';

const now = () => '2026-11-21T03:00:00.000Z';
let folder: string;
let handle: SqliteHandle;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-migration-'));
  handle = openSqlite(join(folder, 'test.db'));
});
afterEach(() => {
  handle.close();
  rmSync(folder, { recursive: true, force: true });
});

const later = (breaking: boolean, sql = 'CREATE TABLE later (x INTEGER);'): Migration => ({
  number: 9000,
  name: '9000_later.sql',
  sql,
  breaking,
});
const tables = () => handle.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();

describe.each([
  ['govd.db', sqliteMigrations, './migrations/sqlite/schema.sql'],
  ['births.db', birthsMigrations, './migrations/births/schema.sql'],
] as const)('the migrations of %s', (_name, migrations, golden) => {
  it('make the schema that is checked in (vitest --update writes it anew)', async () => {
    migrate(handle, migrations, now);
    const dump = handle
      .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name")
      .pluck()
      .all();
    await expect(`${dump.join(';\n\n')};\n`).toMatchFileSnapshot(golden);
  });

  it('are numbered without a gap, and done once', () => {
    // A number that was left out and came later would be done by nobody who is past it.
    const numbers = migrations.map(({ number }) => number);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
    migrate(handle, migrations, now);
    const ledger = () => handle.prepare('SELECT * FROM schema_migration').all();
    const before = ledger();
    expect(migrate(handle, migrations, () => 'later')).toMatchObject({ pending: [] });
    expect(ledger()).toEqual(before);
  });
});

describe('a newer schema', () => {
  it('that breaks older programs is refused by them, and nothing is touched', () => {
    migrate(handle, [...sqliteMigrations, later(true)], now);
    const before = tables();
    for (const attempt of [() => migrationState(handle, sqliteMigrations), () => migrate(handle, sqliteMigrations, now)])
      expect(attempt).toThrow(expect.objectContaining({ code: 'unavailable', hint: 'run the newer govd' }));
    expect(tables()).toEqual(before);
  });

  it('that breaks nobody is used', () => {
    migrate(handle, [...sqliteMigrations, later(false)], now);
    expect(migrate(handle, sqliteMigrations, now)).toMatchObject({ current: 9000, pending: [] });
  });
});

describe('a migration', () => {
  it('that fails half-way leaves nothing of itself, and the ones before it stand', () => {
    expect(() =>
      migrate(handle, [...sqliteMigrations, later(false, 'CREATE TABLE half (x); SELECT * FROM no_such_table;')], now),
    ).toThrow();
    expect(tables()).not.toContain('half');
    expect(migrationState(handle, sqliteMigrations).pending).toEqual([]);
  });

  it('that was edited after it was applied is refused', () => {
    migrate(handle, sqliteMigrations, now);
    const [first, ...rest] = sqliteMigrations;
    expect(() => migrationState(handle, [{ ...first, sql: `${first.sql} -- edited` }, ...rest])).toThrow('0001_journal.sql');
  });

  it('says whether it breaks, and has a number', () => {
    expect(() => parseMigration('0007_x.sql', 'CREATE TABLE x (y);')).toThrow('breaking');
    expect(() => parseMigration('seven.sql', '-- breaking: false\n')).toThrow('NNNN_name');
  });
});
