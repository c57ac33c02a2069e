import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isProblem, Problem } from '@govctl/core/api';
import { ed25519Signer, openLogCheckpoint, parseStatement, readCheckpoint, signCheckpoint } from '@govctl/core/evidence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adoptOffline } from '../compose-adopt.ts';
import { type TestDaemon, testDaemon } from './daemon.fixture.ts';
import { compareLog, secondPlace } from './second-place.ts';

let at: TestDaemon;
let backup: string;
beforeEach(async () => {
  at = await testDaemon();
  backup = mkdtempSync(join(tmpdir(), 'govctl-backup-'));
});
afterEach(async () => {
  await at.close();
  rmSync(backup, { recursive: true, force: true });
});

const files = ['govd.db', 'govd.db-wal', 'govd.db-shm'];
function copy(from: string, to: string): void {
  for (const name of files) rmSync(join(to, name), { force: true });
  for (const name of files) if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name));
}
/** Puts an older database back, as a restore of the wrong backup does. */
async function restoreOlder(): Promise<void> {
  await at.snapshot('orders', 'one\n');
  await at.stop();
  copy(at.dir.root, backup);
  await at.start();
  await at.snapshot('orders', 'two\n');
  await at.snapshot('orders', 'three\n');
  await at.stop();
  copy(backup, at.dir.root);
  await at.start();
}
const register = async () =>
  await at.call('POST', '/v1/keys/api', { body: { actor_id: 'SYSTEM::x', grants: [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }] } });
const readiness = async () =>
  (await at.call('GET', '/readyz')).json() as { ready: boolean; checks: { name: string; ok: boolean; detail: string }[] };
const adopt = (reason = 'restored from the backup of last night') =>
  adoptOffline({ root: at.dir.root, version: '0.0.0-test', reason }, { now: at.clock.now, progress: () => undefined });
const codeOf = async (work: Promise<unknown>) =>
  await work.then(
    () => 'done',
    (error: unknown) => (isProblem(error) ? error.code : String(error)),
  );
const kept = () => readCheckpoint(readFileSync(at.dir.checkpoint, 'utf8')).size;

it('has the empty log before the first leaf, and follows by itself', async () => {
  expect(kept()).toBe(0);
  await at.snapshot('orders', 'one\n');
  for (let tries = 0; tries < 300 && kept() < 1; tries += 1) await sleep(100);
  expect(kept()).toBe(1);
  expect(openLogCheckpoint(readFileSync(at.dir.checkpoint), at.trust).size).toBe(1);
});

it('catches up when the database is ahead, as after a crash', async () => {
  const old = readFileSync(at.dir.checkpoint);
  await at.snapshot('orders', 'one\n');
  await at.snapshot('orders', 'two\n');
  await at.stop();
  expect(kept()).toBe(2);
  writeFileSync(at.dir.checkpoint, old);
  await at.start();
  expect((await readiness()).ready).toBe(true);
  await at.stop();
  expect(kept()).toBe(2);
});

describe('a database that is an older copy', () => {
  beforeEach(restoreOlder);

  it('signs nothing; births go on, and /readyz says why', async () => {
    const refused = await register();
    expect([refused.status, refused.json().code]).toEqual([503, 'evidence-unavailable']);
    expect(String(refused.json().detail)).toContain('older copy');
    expect((await at.call('GET', '/v1/log/checkpoint')).status).toBe(503);
    const ready = await readiness();
    expect(ready.ready).toBe(false);
    expect(ready.checks.filter(({ ok }) => !ok)).toMatchObject([{ name: 'evidence-log' }]);
    const birth = await at.call('POST', '/v1/births', {
      body: { lines: [{ change: 'CHANGED', object_key: 'db/orders', object_type: 'table', born_at: '2026-11-21T03:00:00.000Z' }] },
    });
    expect([birth.status, birth.json().code]).toEqual([200, undefined]);
    expect(kept()).toBe(3);
  });

  it('is the log again once that is declared, on record, and only on a stopped daemon', async () => {
    expect(await codeOf(adopt())).toBe('locked');
    await at.stop();
    const adopted = await adopt();
    expect(adopted).toMatchObject({ tree_size: 2, replaced_size: 3 });
    expect(kept()).toBe(2);
    await at.start();
    expect((await readiness()).ready).toBe(true);
    expect((await register()).status).toBe(201);
    const { url } = (await at.call('POST', `/v1/evidence/refs/${adopted.ref}/resolve`, { body: {} })).json() as { url: string };
    const file = (await at.call('GET', url.slice('http://govd'.length))).json() as { envelope: { payload: string } };
    const parsed = parseStatement(JSON.parse(Buffer.from(file.envelope.payload, 'base64').toString()));
    expect(parsed).toMatchObject({
      ok: true,
      statement: {
        predicate: {
          fact: 'log.adopt',
          reason: 'restored from the backup of last night',
          detail: { why: 'behind', size: 1, replaced_size: 3 },
        },
      },
    });
    await at.stop();
    expect(await codeOf(adopt())).toBe('conflict');
  });

  it('stays refused after another start', async () => {
    await at.stop();
    await at.start();
    expect((await register()).status).toBe(503);
  });
});

it('a database that went another way signs nothing either', async () => {
  await restoreOlder();
  // As if the older copy had been used: it has as many leaves as were signed, and they are others.
  await at.stop();
  const signed = readFileSync(at.dir.checkpoint);
  await adopt();
  await at.start();
  await at.snapshot('orders', 'four\n');
  await at.snapshot('orders', 'five\n');
  await at.stop();
  writeFileSync(at.dir.checkpoint, signed);
  await at.start();
  const refused = await register();
  expect(refused.status).toBe(503);
  expect(String(refused.json().detail)).toContain('are not the 3 that were signed');
  await at.stop();
  expect((await adopt()).replaced_size).toBe(3);
});

describe('a second place that cannot be believed', () => {
  beforeEach(async () => {
    await at.snapshot('orders', 'one\n');
    await at.stop();
  });
  const stranger = () => ed25519Signer(generateKeyPairSync('ed25519').privateKey);
  const { origin } = { origin: 'govctl.test/log' };

  it.each([
    [
      'signed with another key',
      () => signCheckpoint({ origin, size: 1, root: readCheckpoint(readFileSync(at.dir.checkpoint)).root }, stranger()),
    ],
    ['of another log', () => signCheckpoint({ origin: 'other/log', size: 1, root: Buffer.alloc(32) }, stranger())],
    ['truncated', () => readFileSync(at.dir.checkpoint, 'utf8').slice(0, 40)],
    ['edited', () => readFileSync(at.dir.checkpoint, 'utf8').replace('\n1\n', '\n0\n')],
    ['binary junk', () => Buffer.from([0xff, 0, 0x80, 0x0a])],
    ['empty', () => ''],
  ])('%s: nothing is signed, and nothing adopted over it', async (_what, make) => {
    writeFileSync(at.dir.checkpoint, make());
    expect(await codeOf(adopt())).toBe('integrity');
    await at.start();
    expect((await register()).status).toBe(503);
    expect((await readiness()).checks.find(({ name }) => name === 'evidence-log')?.detail).toContain('second place');
  });

  it('gone: nothing is signed until that is declared', async () => {
    rmSync(at.dir.checkpoint);
    await at.start();
    expect((await register()).status).toBe(503);
    await at.stop();
    expect(await adopt('the disk of the second place died')).toMatchObject({ replaced_size: null, tree_size: 2 });
    await at.start();
    expect((await register()).status).toBe(201);
  });
});

it('nothing is adopted that does not verify, or that other keys signed', async () => {
  await at.snapshot('orders', 'one\n');
  await at.snapshot('orders', 'two\n');
  await at.stop();
  rmSync(at.dir.checkpoint);
  const other = await testDaemon();
  try {
    await other.snapshot('orders', 'one\n');
    await other.stop();
    copy(other.dir.root, at.dir.root);
    expect(await codeOf(adopt())).toBe('integrity');
    await at.start();
    expect((await readiness()).checks.find(({ name }) => name === 'evidence-log')).toMatchObject({ ok: false });
  } finally {
    await other.close();
  }
});

it('a database that cannot be asked is no fork', async () => {
  await at.snapshot('orders', 'one\n');
  await at.stop();
  const head = { size: 1, root: readCheckpoint(readFileSync(at.dir.checkpoint)).root };
  let asked = 0;
  const read = async () => {
    asked += 1;
    if (asked > 1) throw new Problem('unavailable', { detail: 'the connection was lost' });
    return [[head]];
  };
  const database = { read } as unknown as Parameters<typeof compareLog>[0];
  await expect(compareLog(database, at.trust, readFileSync(at.dir.checkpoint, 'utf8'))).rejects.toMatchObject({ code: 'unavailable' });
});

describe('writing', () => {
  it('takes the newest of many, one at a time', async () => {
    const written: string[] = [];
    let busy = 0;
    const place = secondPlace({
      path: 'x',
      delayMs: 5,
      write: async (_path, note) => {
        busy += 1;
        expect(busy).toBe(1);
        await sleep(20);
        written.push(note);
        busy -= 1;
      },
    });
    for (let n = 0; n < 50; n += 1) place.keep(`note ${n}`);
    await place.close();
    expect(written.at(-1)).toBe('note 49');
    expect(written.length).toBeLessThan(3);
  });

  it('leaves a newer note of another host where it is', async () => {
    const path = join(backup, 'shared');
    const noteOf = (size: number) =>
      signCheckpoint({ origin: 'test/log', size, root: Buffer.alloc(32) }, ed25519Signer(generateKeyPairSync('ed25519').privateKey));
    for (const [size, left] of [
      [5, 5],
      [3, 5],
      [6, 6],
    ] as const) {
      const place = secondPlace({ path });
      place.keep(noteOf(size));
      await place.close();
      expect(readCheckpoint(readFileSync(path, 'utf8')).size).toBe(left);
    }
  });

  it('that keeps failing is trouble after a while, and none once it works again', async () => {
    let broken = true;
    const errors: unknown[] = [];
    const written: string[] = [];
    const place = secondPlace({
      path: '/second/place',
      delayMs: 1,
      patienceMs: 30,
      onError: (error) => errors.push(error),
      write: async (_path, note) => {
        if (broken) throw new Error('no space left on device');
        written.push(note);
      },
    });
    place.keep('one');
    expect(place.trouble()).toBeNull();
    // A busy machine comes to the first write late.
    for (let tries = 0; tries < 300 && place.trouble() === null; tries += 1) await sleep(20);
    expect(place.trouble()).toContain('no space left on device');
    expect(errors.length).toBeGreaterThan(0);
    place.keep('two');
    broken = false;
    await place.close();
    expect([place.trouble(), written]).toEqual([null, ['two']]);
  });
});
