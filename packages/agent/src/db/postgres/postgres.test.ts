import type { Problem } from '@govctl/core/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../../../../../test/postgres/binaries.ts';
import { postgresBirthsMigrations, postgresMigrations, sqliteMigrations } from '../migrations.ts';
import { type TestDatabase, testDatabase } from '../postgres.fixture.ts';
import { connectPostgres, examine } from './connect.ts';
import { logTables, tableRights } from './grant.ts';
import { migratePostgres, requireDurable, requireLeastPrivilege } from './migrate.ts';
import { PostgresReader } from './reader.ts';
import { dumpSchema } from './schema-dump.fixture.ts';
import { PostgresSession } from './session.ts';

const postgres = postgresAvailability();

describe.skipIf(postgres.skip)(`PostgreSQL${postgres.note}`, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase('db');
  });
  afterAll(async () => await database?.close());

  it.each([
    ['govctl', '../migrations/postgres/schema.txt', postgresMigrations],
    ['births', '../migrations/postgres-births/schema.txt', postgresBirthsMigrations],
  ] as const)('has the schema %s that is checked in (vitest --update writes it anew)', async (schema, golden, migrations) => {
    const owner = new PostgresSession(() => connectPostgres(database.owner, { purpose: 'migrate', mode: 'write', patient: true }));
    // A second time does nothing.
    const state = await migratePostgres(owner, schema, migrations, () => '2026-11-26T00:00:00.000Z');
    expect(await migratePostgres(owner, schema, migrations, () => 'later')).toEqual(state);
    await owner.close();
    const numbers: readonly number[] = migrations.map(({ number }) => number);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
    await expect(await dumpSchema(database.query, schema)).toMatchFileSnapshot(golden);
  });

  it('has the migrations that SQLite has, under the same numbers', () => {
    expect(postgresMigrations.map(({ name, breaking }) => [name, breaking])).toEqual(
      sqliteMigrations.map(({ name, breaking }) => [name, breaking]),
    );
  });

  it('gives every table its rights, and no table without', async () => {
    const tables = await database.query<{ tablename: string }>("SELECT tablename FROM pg_tables WHERE schemaname = 'govctl'");
    expect(tables.map((row) => row.tablename).sort()).toEqual(Object.keys(tableRights).sort());
  });

  it('keeps the daemon from changing or emptying the log', async () => {
    const session = database.session();
    await expect(requireLeastPrivilege(session, 'govctl')).resolves.toBeUndefined();
    for (const table of logTables) {
      for (const sql of [`DELETE FROM ${table}`, `TRUNCATE ${table}`, `DROP TABLE ${table}`])
        await expect(session.run(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('is refused where a crash would lose what was acknowledged', async () => {
    const session = database.session();
    await expect(requireDurable(session, 'govctl')).resolves.toBeUndefined();
    await database.query('ALTER TABLE govctl.lease SET UNLOGGED');
    const refused = await requireDurable(session, 'govctl').catch((error: unknown) => error);
    expect(refused).toMatchObject({ message: expect.stringContaining('lease is not logged') });
    const [, mend] = /as the owner: (.+)$/.exec((refused as Problem).hint ?? '') ?? [];
    await database.query(mend ?? '');
    await expect(requireDurable(session, 'govctl')).resolves.toBeUndefined();

    // Whatever the role's own setting is, each connection asks for flushed commits; one that was answered otherwise is not used.
    await database.query(`ALTER ROLE ${database.daemon.user} SET synchronous_commit = off`);
    const { client } = await connectPostgres(database.daemon, { purpose: 'test', mode: 'write' });
    await expect(examine(client, 'write')).resolves.toBeDefined();
    await client.query('SET synchronous_commit = off');
    await expect(examine(client, 'write')).rejects.toMatchObject({ message: expect.stringContaining('synchronous_commit is off') });
    await expect(examine(client, 'read')).resolves.toBeDefined();
    await client.end();
    await database.query(`ALTER ROLE ${database.daemon.user} RESET synchronous_commit`);
  });

  it('answers several reads from one snapshot', async () => {
    const reader = new PostgresReader(database.daemon, 2);
    const count = { name: 'count', sql: 'SELECT count(*) AS n, pg_sleep(0.3) FROM lease', params: {} };
    const [reading] = await Promise.all([
      reader.read([count, count]),
      database.session().run("INSERT INTO lease VALUES ('x', 1, 'me', '2026')"),
    ]);
    const [[first], [second]] = reading as [{ n: number }[], { n: number }[]];
    expect(first?.n).toEqual(second?.n);
    await reader.close();
  });

  it('reads again when the server ended a transaction of a process that was stopped in the middle of it', async () => {
    const reader = new PostgresReader(database.daemon, 2);
    const one = { name: 'one', sql: 'SELECT 1 AS one', params: {} };
    await reader.read([one]);
    const reading = reader.read([one, one]);
    await new Promise((resolve) => setImmediate(resolve));
    // As SIGSTOP does: BEGIN has been sent, and nothing follows for longer than the server waits.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
    expect(await reading).toEqual([[{ one: 1 }], [{ one: 1 }]]);
    await reader.close();
  });
});
