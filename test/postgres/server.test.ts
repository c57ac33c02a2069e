import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from './binaries.ts';
import { type PostgresServer, startPostgres } from './server.ts';

const postgres = postgresAvailability();

describe.skipIf(postgres.skip)(`a PostgreSQL server of the tests${postgres.note}`, () => {
  let server: PostgresServer;
  const rows = async (database: string) =>
    (await server.query<{ n: number }>('SELECT n FROM t ORDER BY n', [], database)).map(({ n }) => n);
  const insert = (n: number, database: string) => server.query('INSERT INTO t VALUES ($1)', [n], database);
  beforeAll(async () => {
    server = await startPostgres({ settings: { max_prepared_transactions: 7 } });
    await server.createDatabase('main');
    await server.query('CREATE TABLE t (n int PRIMARY KEY)', [], 'main');
  });
  afterAll(() => server?.remove());

  it('answers, is durable, and has the settings it was given', async () => {
    const [answer] = await server.query(
      "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync, current_setting('max_prepared_transactions') AS prepared, current_setting('server_version') AS version, current_database() AS database",
      [],
      'main',
    );
    expect(answer).toEqual({ fsync: 'on', sync: 'on', prepared: '7', version: expect.stringContaining(server.version), database: 'main' });
  });

  it('lets nobody in without the password, neither over TCP nor over the socket', async () => {
    for (const host of ['127.0.0.1', server.socketFolder]) {
      const wrong = new Client({ ...server.connection(), host, password: 'wrong' });
      await expect(wrong.connect()).rejects.toMatchObject({ code: '28P01' });
      const right = new Client({ ...server.connection(), host });
      await right.connect();
      await right.end();
    }
    expect((await stat(server.passwordFile)).mode & 0o777).toBe(0o600);
  });

  it('killed, it comes back on the same port with what was committed, and without what was not', async () => {
    await insert(1, 'main');
    const open = new Client(server.connection('main'));
    open.on('error', () => undefined);
    await open.connect();
    await open.query('BEGIN');
    await open.query('INSERT INTO t VALUES (2)');
    await server.kill();
    await expect(rows('main')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.start();
    expect(await rows('main')).toEqual([1]);
    await open.end().catch(() => undefined);
  });

  it('stops at once while clients are connected, and starts again', async () => {
    const idle = new Client(server.connection('main'));
    idle.on('error', () => undefined);
    await idle.connect();
    await server.restart();
    await server.stop('immediate');
    await server.start();
    expect(await rows('main')).toEqual([1]);
    await idle.end().catch(() => undefined);
  });

  it('goes back to a copy of yesterday', async () => {
    const backup = join(server.folder, 'yesterday');
    await expect(server.copyTo(backup)).rejects.toThrow('stopped first');
    await server.stop();
    await server.copyTo(backup);
    await server.start();
    await insert(3, 'main');
    expect(await rows('main')).toEqual([1, 3]);
    await server.stop();
    await server.restoreFrom(backup);
    await server.start();
    expect(await rows('main')).toEqual([1]);
  });

  it('has a standby that follows it and takes no writes', async () => {
    const standby = await server.startStandby();
    try {
      expect(await standby.query('SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: true }]);
      await insert(4, 'main');
      const follows = () => standby.query('SELECT n FROM t WHERE n = 4', [], 'main');
      await expect.poll(follows, { timeout: 60_000 }).toEqual([{ n: 4 }]);
      await expect(standby.query('DELETE FROM t', [], 'main')).rejects.toMatchObject({ code: '25006' });
    } finally {
      await standby.remove();
    }
    expect(existsSync(standby.folder)).toBe(false);
  });

  it('goes, folder and all, with the process that started it, even when that is killed', async () => {
    const program = `import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'server.ts'))};
      const server = await startPostgres();
      console.log(JSON.stringify({ folder: server.folder, port: server.port }));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { folder, port } = JSON.parse(line.toString('utf8')) as { folder: string; port: number };
    expect(existsSync(folder)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => existsSync(folder), { timeout: 60_000 }).toBe(false);
    await expect(new Client({ ...server.connection(), port }).connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
