import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy, deployHost, type Ended, runToEnd } from '../harness.ts';
import { postgresAvailability } from '../postgres/binaries.ts';
import { type PostgresServer, startPostgres } from '../postgres/server.ts';
import type { PostgresStore } from '../store.ts';
import { clientOf, promotable, promotionOf, type Scene } from './scene.ts';

/** sysexits.h, as govd documents them. */
const exits = { database: 69, configuration: 78, temporary: 75 };

const postgres = postgresAvailability();
describe.skipIf(postgres.skip)(`a PostgreSQL that govd must not use${postgres.note}`, () => {
  let server: PostgresServer;
  let at: Deployment;
  let store: PostgresStore;
  let config: string;
  let secrets: string[];
  const more: Deployment[] = [];
  beforeAll(async () => {
    server = await startPostgres();
    at = await deploy({ kind: 'postgres', server });
    if (at.postgres === undefined) throw new Error('not on PostgreSQL');
    store = at.postgres;
    config = await readFile(join(at.state, 'govd.yaml'), 'utf8');
    const files = ['govd.password', 'owner.password', join('state', 'keys', 'operator.apikey')];
    secrets = [
      ...(await Promise.all(files.map(async (name) => (await readFile(join(at.folder, name), 'utf8')).trim()))),
      'wrong-Secret-0815',
    ];
  });
  afterEach(async () => {
    await at.stop();
    await writeFile(join(at.state, 'govd.yaml'), config);
  });
  afterAll(async () => {
    for (const each of [...more, at]) await each?.remove();
    await server?.remove();
  });

  const expectQuiet = (text: string) => {
    for (const secret of secrets) expect(text).not.toContain(secret);
    // Frames of a stack: what went wrong outside is told in words.
    expect(text).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
  };
  /** Runs govd, which is expected to end by itself. */
  const govd = async (argv: readonly string[]): Promise<Ended> => {
    const ended = await runToEnd('govd', argv, process.env, {
      started: (child) => void setTimeout(() => child.kill('SIGTERM'), 60_000).unref(),
    });
    expectQuiet(ended.stdout + ended.stderr);
    return ended;
  };
  const refusal = ({ code, stderr }: Ended) => ({ code, stderr });
  const edited = (edit: (text: string) => string) => writeFile(join(at.state, 'govd.yaml'), edit(config));
  const migrations = () =>
    store.query<{ number: number; name: string; digest: string }>('SELECT * FROM govctl.schema_migration ORDER BY number');

  const port = () => `port: ${server.port}`;
  /** Of the configuration: for `run` and for `init`. */
  const wrong: [string, (text: string) => string, RegExp, number][] = [
    [
      'a password that is wrong',
      (text) => text.replaceAll(/password_file: .+?(govd|owner)\.password/g, `password_file: ${at.folder}/wrong.password`),
      /does not accept this user and password/,
      exits.database,
    ],
    ['a password file that is not there', (text) => text.replaceAll('.password', '.nowhere'), /cannot be read: ENOENT/, exits.database],
    [
      'a database that does not exist',
      (text) => text.replace(store.database, 'nowhere'),
      /the database does not exist there/,
      exits.database,
    ],
    [
      'a port where nobody listens',
      (text) => text.replace(/host: .+/, 'host: 127.0.0.1').replace(port(), 'port: 1'),
      /ECONNREFUSED/,
      exits.database,
    ],
    ['a host that has no address', (text) => text.replace(/host: .+/, 'host: govctl.invalid'), /ENOTFOUND|EAI_AGAIN/, exits.database],
    ['a setting nobody knows', (text) => text.replace(port(), `${port()}\n    prot: 1`), /prot/, exits.configuration],
  ];

  it.each(wrong)('%s: run and init say so, and end', async (_what, edit, said, code) => {
    await at.file('wrong.password', 'wrong-Secret-0815\n');
    await edited(edit);
    expect(refusal(await govd(['run', '--state-dir', at.state]))).toEqual({ code, stderr: expect.stringMatching(said) });
    const file = await at.file('init-wrong.yaml', edit(await readFile(store.config, 'utf8')));
    const made = await govd(['init', '--state-dir', join(at.folder, 'new'), '--config', file]);
    expect(refusal(made)).toEqual({ code, stderr: expect.stringMatching(said) });
    await rm(join(at.folder, 'new'), { recursive: true, force: true });
  });

  it('a standby', async () => {
    const standby = await server.startStandby();
    try {
      const edit = (text: string) => text.replace(port(), `port: ${standby.port}`).replace(server.socketFolder, standby.socketFolder);
      await edited(edit);
      const refused = { code: exits.database, stderr: expect.stringMatching(/refused: it is a standby.*\n.*name the primary/) };
      expect(refusal(await govd(['run', '--state-dir', at.state]))).toEqual(refused);
      const file = await at.file('init-standby.yaml', edit(await readFile(store.config, 'utf8')));
      expect(refusal(await govd(['init', '--state-dir', join(at.folder, 'new'), '--config', file]))).toEqual(refused);
      await rm(join(at.folder, 'new'), { recursive: true, force: true });
    } finally {
      await standby.remove();
      await server.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
    }
  });

  it('a database in another encoding', async () => {
    await server.query(`CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'`);
    try {
      const file = await at.file('init-latin.yaml', (await readFile(store.config, 'utf8')).replace(store.database, 'latin'));
      const made = await govd(['init', '--state-dir', join(at.folder, 'new'), '--config', file]);
      expect(refusal(made)).toEqual({ code: exits.database, stderr: expect.stringMatching(/encoded as LATIN1[\s\S]*ENCODING UTF8/) });
      await rm(join(at.folder, 'new'), { recursive: true, force: true });
    } finally {
      await server.query('DROP DATABASE latin');
    }
  });

  const daemon = () => `"${store.daemon}"`;
  /** Of the database: for `run`. What is done, and undone. */
  const states: [string, () => string, () => string, RegExp][] = [
    [
      'a database that is read-only',
      () => `ALTER ROLE ${daemon()} IN DATABASE ${store.database} SET default_transaction_read_only = on`,
      () => `ALTER ROLE ${daemon()} IN DATABASE ${store.database} RESET default_transaction_read_only`,
      /default_transaction_read_only is on/,
    ],
    [
      'a role that may change the log',
      () => `GRANT UPDATE ON govctl.record TO ${daemon()}`,
      () => `REVOKE UPDATE ON govctl.record FROM ${daemon()}`,
      /may change or empty record,/,
    ],
    [
      'a role that may change one column of it',
      () => `GRANT UPDATE (body) ON govctl.record TO ${daemon()}`,
      () => `REVOKE UPDATE (body) ON govctl.record FROM ${daemon()}`,
      /may change or empty record,/,
    ],
    [
      'a role that may become the owner',
      () => `ALTER ROLE ${daemon()} NOINHERIT; GRANT ${store.owner} TO ${daemon()}`,
      () => `REVOKE ${store.owner} FROM ${daemon()}; ALTER ROLE ${daemon()} INHERIT`,
      /may change or empty/,
    ],
    [
      'a role that lacks a right',
      () => `REVOKE SELECT ON govctl.api_key, govctl.record, govctl.log_head FROM ${daemon()}`,
      () => `GRANT SELECT ON govctl.api_key, govctl.record, govctl.log_head TO ${daemon()}`,
      /permission denied.*govd migrate/,
    ],
    [
      'a server that does not flush',
      () => 'ALTER SYSTEM SET fsync = off',
      () => 'ALTER SYSTEM RESET fsync',
      /fsync is off[\s\S]*set fsync = on/,
    ],
    [
      'a schema that was migrated by a newer govd, and must not be used by this one',
      () => "INSERT INTO govctl.schema_migration VALUES (9999, '9999_newer.sql', 'x', 1, '2026')",
      () => 'DELETE FROM govctl.schema_migration WHERE number = 9999',
      /has schema 9999.*must not use[\s\S]*run the newer govd/,
    ],
    [
      'a migration that was edited',
      () => "UPDATE govctl.schema_migration SET digest = digest || 'x' WHERE number = 1",
      () => 'UPDATE govctl.schema_migration SET digest = left(digest, -1) WHERE number = 1',
      /is not the one this database went through/,
    ],
  ];

  it.each(states)('%s', async (_what, fault, mended, said) => {
    await store.query(fault());
    await store.query('SELECT pg_reload_conf()');
    try {
      expect(refusal(await govd(['run', '--state-dir', at.state]))).toEqual({ code: exits.database, stderr: expect.stringMatching(said) });
    } finally {
      await store.query(mended());
      await store.query('SELECT pg_reload_conf()');
    }
  });

  it('that is mended of all this is used', async () => {
    await at.start();
    expectQuiet(await at.log());
  });

  it('that govctl backs up by halves: it says which tools do it, and makes no file', async () => {
    await at.start();
    const file = join(at.folder, 'half.tar');
    const ended = await at.govctl(['backup', 'create', '-O', file]);
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toMatch(/keeps its state in PostgreSQL[\s\S]*fix: pg_basebackup, or pg_dump/);
    await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('a schema that lacks a migration', async () => {
    const last = (await migrations()).at(-1);
    await store.query('DELETE FROM govctl.schema_migration WHERE number = $1', [last?.number]);
    try {
      const ended = await govd(['run', '--state-dir', at.state]);
      expect(refusal(ended)).toEqual({
        code: exits.database,
        stderr: expect.stringMatching(new RegExp(`lacks ${last?.name}[\\s\\S]*govd migrate`)),
      });
    } finally {
      await store.query("INSERT INTO govctl.schema_migration VALUES ($1, $2, $3, 0, '2026')", [last?.number, last?.name, last?.digest]);
    }
  });

  it('that was migrated while govd runs: the running one goes on, an older one does not start beside it', async () => {
    await at.start();
    const other = await deployHost(at);
    more.push(other);
    await store.query("INSERT INTO govctl.schema_migration VALUES (9999, '9999_newer.sql', 'x', 1, '2026')");
    try {
      const ended = await govd(['run', '--state-dir', other.state]);
      expect(refusal(ended)).toEqual({ code: exits.database, stderr: expect.stringMatching(/has schema 9999/) });
      expect((await at.http('GET', '/readyz')).status).toBe(200);
    } finally {
      await store.query('DELETE FROM govctl.schema_migration WHERE number = 9999');
    }
    await other.start();
    expect((await other.http('GET', '/readyz')).status).toBe(200);
    await other.stop();
  });

  describe('restored from yesterday', () => {
    let ask: Scene['ask'];
    let datasets: Scene['datasets'];
    let nth = 0;
    /** Yesterday's data, taken once. */
    let yesterday: string;
    beforeAll(async () => {
      await at.start();
      const client = await clientOf(at, 35_000);
      ask = client.ask;
      datasets = await promotable(at, ask, 1);
      await at.stop();
    });
    const promote = async () => {
      const [dataset] = datasets;
      nth += 1;
      if (dataset === undefined) throw new Error('no dataset');
      const answer = await ask('POST', '/v1/promotions', promotionOf(`restored-${nth}`, dataset));
      const { code = '', detail = '' } = JSON.parse(answer?.body ?? '{}') as { code?: string; detail?: string };
      return { status: answer?.status, code, detail };
    };
    const unready = async () => {
      const answer = await ask('GET', '/readyz');
      const { checks } = JSON.parse(answer?.body ?? '{"checks":[]}') as { checks: { name: string; ok: boolean; detail: string }[] };
      return [
        answer?.status,
        checks
          .filter(({ ok }) => !ok)
          .map(({ detail }) => detail)
          .join(),
      ];
    };
    const leaves = async () => (await store.query<{ n: number }>('SELECT count(*)::int AS n FROM govctl.record'))[0]?.n;
    /** The database of yesterday has less than was signed since. */
    const backup = async (name: string) => {
      yesterday = join(server.folder, name);
      await at.start();
      expect((await promote()).status).toBe(200);
      await at.stop();
      await server.stop();
      await server.copyTo(yesterday);
      await server.start();
      await at.start();
      for (let count = 0; count < 3; count += 1) expect((await promote()).status).toBe(200);
    };
    const restore = async () => {
      await server.stop();
      await server.restoreFrom(yesterday);
      await server.start();
    };
    const expectSignsNothing = async (why: RegExp) => {
      const before = await leaves();
      expect(await promote()).toEqual({ status: 503, code: 'evidence-unavailable', detail: expect.stringMatching(why) });
      expect((await ask('GET', '/v1/log/checkpoint'))?.status).toBe(503);
      expect(await unready()).toEqual([503, expect.stringMatching(why)]);
      expect(await leaves()).toBe(before);
      expectQuiet((await ask('GET', '/readyz'))?.body ?? '');
    };
    const adopt = async () => {
      const argv = ['log', 'adopt', '--state-dir', at.state, '--reason', 'restored from yesterday'];
      expect((await govd(argv)).code).toBe(exits.temporary);
      await at.stop();
      expect(refusal(await govd(argv))).toEqual({ code: 0, stderr: expect.any(String) });
      await at.start();
      expect((await promote()).status).toBe(200);
      expect(await at.json(['log', 'verify'])).toMatchObject({ verified: true });
      expect(await at.json(['reconcile'])).toMatchObject({ clean: true });
    };

    it('while govd was down: it signs nothing, says why, and goes on once that is declared', async () => {
      await backup('down');
      await at.stop();
      await restore();
      const starting = at.start().catch(() => undefined);
      await expect.poll(async () => (await ask('GET', '/readyz'))?.status, { timeout: 60_000 }).toBe(503);
      await expectSignsNothing(/older copy/);
      await adopt();
      await starting;
    });

    it('while govd runs: it signs nothing, says why, and goes on once that is declared', async () => {
      await backup('running');
      await restore();
      // By itself: nobody has asked for anything to be written.
      await expect.poll(async () => (await ask('GET', '/readyz'))?.status, { timeout: 60_000 }).toBe(503);
      await expectSignsNothing(/older copy/);
      await adopt();
    });
  });
});
