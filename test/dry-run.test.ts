import { createHash } from 'node:crypto';
import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern, importQuality, junit, snapshotOf } from './orders.ts';

let at: Deployment;
beforeAll(async () => {
  at = await deploy();
  // What reads events says that it lives, in a commit of its own; not while it is asked whether anything is written.
  await appendFile(join(at.state, 'govd.yaml'), 'reactor: { heartbeat: 1h }\n');
  await at.start();
  await govern(at);
});
afterAll(async () => await at.remove());

/** The heartbeat of the tail: the one thing that is written while nobody asks for anything. */
const beats = new Set(['handoff_cursor']);

/** Everything that is kept: each table of each database by its digest, every file by its name and digest. */
async function stateOf(): Promise<Readonly<Record<string, string>>> {
  const state: Record<string, string> = {};
  const digest = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');
  for (const database of ['govd', 'births'] as const) {
    for (const name of await at.tables(database))
      if (!beats.has(name)) state[`${database} ${name}`] = digest(JSON.stringify(await at.rows(database, `SELECT * FROM "${name}"`)));
  }
  for (const entry of await readdir(at.state, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // Files that stand for a moment while the last checkpoint is put in its second place.
    const passing = /\.db(-wal|-shm)?$|\.lock(\.\w+)*$|\.tmp$/.test(path);
    if (entry.isFile() && !passing) state[path] = digest(await readFile(path));
  }
  return state;
}

/** The state once what follows a commit has followed: the newest checkpoint reaches its second place a second later. */
async function settled(): Promise<Awaited<ReturnType<typeof stateOf>>> {
  for (let before = await stateOf(); ; ) {
    await sleep(1500);
    const state = await stateOf();
    if (JSON.stringify(state) === JSON.stringify(before)) return state;
    before = state;
  }
}

/** What the daemon counts itself: durable commits, units, records and events of its one write path. */
async function writes(): Promise<string> {
  const { body } = await at.http('GET', '/metrics');
  const lines = body.split('\n').filter((line) => /^govd_(journal_(commits|units)|evidence_records|events|decisions)_total/.test(line));
  expect(lines.length).toBeGreaterThan(3);
  return lines.join('\n');
}

it('writes nothing, whatever is asked and whatever the answer; a promotion does', async () => {
  const good = await goodSnapshot(at, '1,100');
  const failing = await snapshotOf(at, '2,200');
  await importQuality(at, failing, junit({ failed: 'unique_orders_id' }));
  const undated = await snapshotOf(at, '3,300');
  await importQuality(at, undated, junit({ ranAt: null }));
  const askedOf = (snapshot: string) => ['orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot];
  const ask = (snapshot: string, ...flags: string[]) => at.govctl(['promote', ...askedOf(snapshot), ...flags]);

  const [state, counted] = [await settled(), await writes()];
  for (const [snapshot, verdict] of [
    [good, 0],
    [failing, 3],
    [undated, 8],
    ['no-such-snapshot', 3],
  ] as const) {
    for (const where of ['local', 'server']) {
      const ended = await ask(snapshot, `--dry-run=${where}`, '--save-facts', join(at.folder, 'facts.json'), '--explain');
      expect([snapshot, where, ended.code]).toEqual([snapshot, where, verdict]);
    }
    expect((await at.govctl(['promote', 'orders', '--dry-run=offline', '--facts', join(at.folder, 'facts.json')])).code).toBe(verdict);
  }
  expect((await at.govctl(['why-not', 'orders', '--to', 'GDP'])).code).toBe(0);
  expect((await at.govctl(['why-not', 'orders', '--to', 'KPI', '--snapshot', good])).code).toBe(0);
  for (const [gate, verdict] of [
    ['quality', 3],
    ['freshness', 0],
    ['rule:gdp-default/not-empty', 0],
  ] as const)
    expect([gate, (await at.govctl(['gate', 'check', gate, ...askedOf(failing)])).code]).toEqual([gate, verdict]);
  expect((await at.govctl(['selftest', 'parity'])).code).toBe(0);
  expect(await writes()).toBe(counted);
  expect(await stateOf()).toEqual(state);

  expect((await ask(good)).code).toBe(0);
  expect(await writes()).not.toBe(counted);
  expect(await stateOf()).not.toEqual(state);
});

it('decides offline when the daemon is gone, and asks nobody', async () => {
  const facts = join(at.folder, 'offline.json');
  const good = await goodSnapshot(at, '4,400');
  const argv = ['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', good];
  const online = await at.json<Record<string, unknown>>([...argv, '--dry-run', '--save-facts', facts]);
  await at.stop();
  expect((await at.govctl([...argv, '--dry-run'])).code).toBe(5);
  const { parity: _parity, ...decision } = online;
  expect(await at.json([...argv, '--dry-run=offline', '--facts', facts])).toEqual(decision);

  // What was changed in the file is seen: a rule that is not the pinned one is no rule, and an unknown field no fact.
  const edited = JSON.parse(await readFile(facts, 'utf8')) as { packs: { source: string }[] };
  const tampered = await at.file(
    'tampered.json',
    JSON.stringify({ ...edited, packs: edited.packs.map((pack) => ({ ...pack, source: `${pack.source}#` })) }),
  );
  expect((await at.govctl([...argv, '--dry-run=offline', '--facts', tampered])).code).toBe(20);
  const unknown = await at.file('unknown.json', JSON.stringify({ ...edited, lenient: true }));
  expect((await at.govctl([...argv, '--dry-run=offline', '--facts', unknown])).code).toBe(2);
});
