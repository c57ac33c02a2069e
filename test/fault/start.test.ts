import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Deployment, deploy, type Ended, runToEnd } from '../harness.ts';

let at: Deployment;
const saved = () => join(at.folder, 'saved');
beforeAll(async () => {
  at = await deploy();
  await rename(at.state, saved());
});
// As it was made; the paths in it stay true.
beforeEach(async () => await cp(saved(), at.state, { recursive: true }));
afterEach(async () => {
  await at.stop('SIGKILL');
  await rm(at.state, { recursive: true });
});
afterAll(async () => await at.remove());

/** Starts a daemon that is expected to end by itself; one that runs instead is ended, and its signal tells. */
const start = (): Promise<Ended> =>
  runToEnd('govd', ['run', '--state-dir', at.state], process.env, {
    started: (child) => void setTimeout(() => child.kill('SIGKILL'), 60_000).unref(),
  });
const inState = (name: string) => join(at.state, name);

/** What every refusal to start has: a name, a mend, its exit code, and nothing for programmers. */
function expectRefusal(ended: Ended, code: number, said: RegExp): void {
  expect([ended.code, ended.signal, ended.stdout]).toEqual([code, null, '']);
  expect(ended.stderr).toMatch(/^error\[[a-z-]+\]: /);
  expect(ended.stderr).toMatch(said);
  expect(ended.stderr).not.toMatch(/\n\s+at |node:internal|SqliteError|\bdist\/|\[object /);
}

describe('one daemon a state folder', () => {
  it('a second one is told so, with 75, and the first goes on', async () => {
    const first = await at.start();
    expectRefusal(await start(), 75, /another govd runs on this state folder/);
    expect((await at.http('GET', '/readyz')).status).toBe(200);
    expect(first.exitCode).toBeNull();
  });

  it('one that was killed leaves nothing to clean: the next takes socket and folder over', async () => {
    await at.start();
    await at.stop('SIGKILL');
    expect((await stat(at.socket)).isSocket()).toBe(true);
    await at.start();
    expect((await at.http('GET', '/readyz')).status).toBe(200);
  });

  it('a socket path that is a file is not removed', async () => {
    await writeFile(at.socket, 'somebody needs this');
    const ended = await start();
    expectRefusal(ended, 78, /is not a socket/);
    expect(await readFile(at.socket, 'utf8')).toBe('somebody needs this');
  });

  it('a folder where no daemon was made is told how to make one', async () => {
    const ended = await runToEnd('govd', ['run', '--state-dir', join(at.folder, 'nothing-here')], process.env);
    expectRefusal(ended, 78, /govd init/);
  });
});

describe('keys', () => {
  it.each(['decision', 'log', 'capability', 'token'])('a missing %s key stops the start', async (purpose) => {
    await rm(inState(`keys/${purpose}.key`));
    expectRefusal(await start(), 69, new RegExp(`the ${purpose} key is missing`));
  });

  it('a key that others can read stops the start, and the hint mends it', async () => {
    const path = inState('keys/decision.key');
    await chmod(path, 0o644);
    const ended = await start();
    expectRefusal(ended, 77, /can be read by others/);
    execFileSync('/bin/sh', ['-c', /^fix: (.*)$/m.exec(ended.stderr)?.[1] ?? 'false']);
    await at.start();
  });

  it.each([
    ['junk', Buffer.from([0, 1, 2, 255, 254])],
    ['nothing', Buffer.alloc(0)],
  ])('a key file that holds %s stops the start', async (_what, content) => {
    await writeFile(inState('keys/log.key'), content, { mode: 0o600 });
    expectRefusal(await start(), 69, /the log key cannot be read/);
  });
});

describe('the configuration', () => {
  it('is refused whole, with every error and its line', async () => {
    await writeFile(
      inState('govd.yaml'),
      'apiVersion: govctl/v1\nkind: GovdConfig\nenvironment: local_parity\nsurprise: 1\nlog:\n  origin: govctl.local/log\n  level: 7\n',
    );
    const ended = await start();
    expectRefusal(ended, 78, /is not valid/);
    expect(ended.stderr).toMatch(/surprise.*line 4|line 4.*surprise/s);
    expect(ended.stderr).toMatch(/line 7/);
  });

  it.each([
    ['no YAML', 'a: [1, 2\nb: }'],
    ['binary junk', Buffer.from([0, 255, 1, 254, 10, 13, 0])],
    ['nothing', ''],
    ['a bomb of aliases', `a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c]\ne: [*d,*d,*d,*d]\n`],
  ])('that is %s is refused', async (_what, content) => {
    await writeFile(inState('govd.yaml'), content);
    expectRefusal(await start(), 78, /configuration/);
  });

  it('that is broken while govd runs changes nothing', async () => {
    const child = await at.start();
    const good = await readFile(inState('govd.yaml'), 'utf8');
    await writeFile(inState('govd.yaml'), 'surprise: 1\n');
    child.kill('SIGHUP');
    await expect.poll(async () => await at.log(), { timeout: 60_000 }).toMatch('the old one stays');
    expect((await at.http('GET', '/readyz')).status).toBe(200);
    await writeFile(inState('govd.yaml'), good);
  });
});

describe('the database', () => {
  const edit = (name: string, sql: string) => {
    const database = new Database(inState(name));
    database.exec(sql);
    database.close();
  };

  it.each(['govd.db', 'births.db'])('%s of a newer schema that breaks this program is left alone', async (name) => {
    edit(name, "INSERT INTO schema_migration VALUES (9000, '9000_later.sql', 'x', 1, '2026-11-21T03:00:00.000Z')");
    expectRefusal(await start(), 69, /schema 9000 .*must not use/);
  });

  it.each(['govd.db', 'births.db'])('%s replaced by junk is not overwritten', async (name) => {
    const junk = Buffer.alloc(8192, 'junk');
    await rm(inState(`${name}-wal`), { force: true });
    await rm(inState(`${name}-shm`), { force: true });
    await writeFile(inState(name), junk);
    expectRefusal(await start(), 69, new RegExp(name.replace('.', '\\.')));
    expect((await readFile(inState(name))).equals(junk)).toBe(true);
  });

  it.each(['govd.db', 'births.db'])('%s cut in the middle is refused', async (name) => {
    edit(name, 'PRAGMA wal_checkpoint(TRUNCATE)');
    await truncate(inState(name), 5000);
    expectRefusal(await start(), 69, new RegExp(name.replace('.', '\\.')));
  });

  it('that was taken away is not silently replaced by an empty one', async () => {
    await at.start();
    const key = await at.json<{ key_id: string }>(['apikey', 'add', '--actor', 'SYSTEM::etl', '--action', 'promotion.request']);
    expect(key.key_id).toMatch(/^[a-z0-9]{12}$/);
    await at.stop();
    for (const suffix of ['', '-wal', '-shm']) await rm(inState(`govd.db${suffix}`), { force: true });
    const ended = await start();
    expectRefusal(ended, 69, /govd\.db/);
  });

  it('that is a folder is refused', async () => {
    for (const suffix of ['-wal', '-shm', '']) await rm(inState(`govd.db${suffix}`), { force: true });
    await mkdir(inState('govd.db'));
    expectRefusal(await start(), 69, /govd\.db/);
  });
});

describe('init', () => {
  it('never makes the keys of a folder twice', async () => {
    const before = await readFile(inState('keys/decision.key'));
    const again = await runToEnd('govd', ['init', '--state-dir', at.state], process.env);
    expect(again.code).not.toBe(0);
    expect(again.stderr).toMatch(/keys are not made twice/);
    expect((await readFile(inState('keys/decision.key'))).equals(before)).toBe(true);
  });

  it('a copy of a state folder is one more daemon on the same log: the older copy does not sign', async () => {
    await at.start();
    await at.stop();
    await cp(at.state, join(at.folder, 'copy'), { recursive: true });
    await at.start();
    await at.json(['apikey', 'add', '--actor', 'SYSTEM::etl', '--action', 'promotion.request']);
    await at.stop();
    for (const suffix of ['', '-wal', '-shm']) await rm(inState(`govd.db${suffix}`), { force: true });
    await rename(join(at.folder, 'copy', 'govd.db'), inState('govd.db'));
    // It starts, so that somebody can look; it signs nothing, and says so.
    const starting = at.start().catch(() => undefined);
    const readiness = async () => (await at.http('GET', '/readyz').catch(() => undefined))?.status;
    await expect.poll(readiness, { timeout: 60_000 }).toBe(503);
    expect(await at.log()).toMatch(/older copy/);
    const refused = await at.http('POST', '/v1/keys/api', {
      actor_id: 'SYSTEM::etl',
      grants: [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }],
    });
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([503, 'evidence-unavailable']);
    await at.stop('SIGKILL');
    expect(await starting).toBeUndefined();
  });
});
