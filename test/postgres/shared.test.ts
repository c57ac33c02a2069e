import { Client } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { startProxy } from '../fault/tcp-proxy.ts';
import { postgresAvailability } from './binaries.ts';
import type { PostgresAccess } from './server.ts';
import { sharedPostgres } from './shared.ts';

const postgres = postgresAvailability();

describe.skipIf(postgres.skip)(`the PostgreSQL server that test files share${postgres.note}`, () => {
  let shared: PostgresAccess;
  beforeAll(async () => {
    shared = await sharedPostgres();
  });

  it('is one and the same for everybody who asks', async () => {
    const others = await Promise.all([sharedPostgres(), sharedPostgres()]);
    expect(others.map(({ port, password }) => [port, password])).toEqual([
      [shared.port, shared.password],
      [shared.port, shared.password],
    ]);
  });

  it('gives every caller a database of its own, also when they ask at the same time', async () => {
    const names = await Promise.all([1, 2, 3].map(() => shared.freshDatabase('shared')));
    expect(new Set(names).size).toBe(3);
    for (const name of names) {
      expect(await shared.query('SELECT current_database() AS name', [], name)).toEqual([{ name }]);
      await shared.query(`DROP DATABASE "${name}" WITH (FORCE)`);
    }
  });

  it.each([
    ['before', 0],
    ['answered', 1],
  ] as const)('loses a connection in COMMIT, %s: the client cannot know, the database does', async (moment, committed) => {
    const database = await shared.freshDatabase('lost');
    await shared.query('CREATE TABLE t (n int)', [], database);
    const proxy = await startProxy({ targetPort: shared.port });
    const client = new Client({ ...shared.connection(database), port: proxy.port });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('BEGIN');
    await client.query('INSERT INTO t VALUES (1)');
    const lost = proxy.cutWhen('COMMIT', moment);
    await expect(client.query('COMMIT')).rejects.toThrow();
    await lost;
    expect(await shared.query('SELECT n FROM t', [], database)).toHaveLength(committed);
    await proxy.close();
    await shared.query(`DROP DATABASE "${database}" WITH (FORCE)`);
  });
});
