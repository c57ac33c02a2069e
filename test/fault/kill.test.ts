import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { changelog } from '@govctl/fixtures/changelog/index.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { junit } from '../orders.ts';
import { expectClean, expectInvariants, inDatabase, promotionOf, type Scene, scene } from './scene.ts';

const clients = 32;
const kills = 8;

let on: Scene;
beforeAll(async () => {
  on = await scene({ datasets: 5 });
});
afterAll(async () => await on?.remove());

const fences = () =>
  inDatabase(on.at, 'govd.db', (database) => ({
    lock: Object.fromEntries(database.prepare('SELECT lock_key, fence FROM lock').raw().all() as [string, number][]),
    pointer: Object.fromEntries(
      database.prepare("SELECT dataset_id || '/' || layer, max(generation) FROM pointer GROUP BY 1").raw().all() as [string, number][],
    ),
    cursor: Object.fromEntries(database.prepare('SELECT source, fence FROM handoff_cursor').raw().all() as [string, number][]),
    head: { size: database.prepare('SELECT coalesce(max(size), 0) FROM log_head').pluck().get() as number },
  }));

it(`loses, doubles and halves nothing when govd is killed ${kills} times under ${clients} promoting clients, births and imports`, async () => {
  const acked = new Map<string, { readonly body: string; readonly dataset: (typeof on.datasets)[number] }>();
  const born: string[] = [];
  const imports: string[] = [];
  let over = false;
  const [imported, ...promoted] = on.datasets;
  if (imported === undefined) throw new Error('no dataset');

  const promoting = Array.from({ length: clients }, async (_, client) => {
    const dataset = promoted[client % promoted.length];
    if (dataset === undefined) throw new Error('no dataset');
    for (let nth = 0; !over; nth += 1) {
      const run_id = `run-${client}-${nth}`;
      const answer = await on.insist('POST', '/v1/promotions', promotionOf(run_id, dataset));
      expect([run_id, answer.status]).toEqual([run_id, 200]);
      expect(JSON.parse(answer.body)).toMatchObject({ run_id, status: 'succeeded' });
      acked.set(run_id, { body: answer.body, dataset });
    }
  });

  const permit = await on.insist('POST', '/v1/births/permits', { permit_kind: 'bulk', permit_id: 'bulk', reason: 'fault test' });
  expect(permit.status).toBe(201);
  const births = (async () => {
    let lines: { change: 'BORN'; object_key: string; object_type: string; born_at: string }[] = [];
    const source = changelog({ rows: 20_000 });
    for (const line of source) {
      if (over) break;
      if (line.change !== 'BORN') continue;
      const { object_key, born_at } = line;
      lines.push({ change: 'BORN', object_key, object_type: line.object_type ?? 'table', born_at });
      if (lines.length < 200) continue;
      const answer = await on.insist('POST', '/v1/births', { lines, permit_id: 'bulk' });
      expect(answer.status).toBe(200);
      born.push(...lines.map((each) => `${each.object_key} ${each.born_at}`));
      lines = [];
    }
  })();

  const quality = (async () => {
    for (let nth = 0; !over; nth += 1) {
      const report = junit({ ranAt: new Date(Date.now() - nth).toISOString() });
      const answer = await on.insist('POST', `/v1/snapshots/${imported.snapshot_id}/quality?kind=junit`, Buffer.from(report));
      expect(answer.status).toBe(200);
      imports.push((JSON.parse(answer.body) as { source_digest: string }).source_digest);
    }
  })();

  let before = fences();
  for (let kill = 0; kill < kills; kill += 1) {
    await sleep(randomInt(50, 900));
    await on.at.stop('SIGKILL');
    expectInvariants(on.at, [...acked.keys()]);
    const now = fences();
    for (const kind of ['lock', 'pointer', 'cursor', 'head'] as const)
      for (const [name, value] of Object.entries(before[kind]))
        expect((now[kind] as Record<string, number>)[name]).toBeGreaterThanOrEqual(value);
    before = now;
    await on.at.start();
  }
  await sleep(300);
  over = true;
  await Promise.all([...promoting, births, quality]);

  // The load was one: otherwise nothing was shown.
  expect(acked.size).toBeGreaterThan(clients);
  expect(born.length).toBeGreaterThan(0);
  expect(imports.length).toBeGreaterThan(0);
  await expectClean(on.at);
  for (const [run_id, { body, dataset }] of acked) {
    const again = await on.ask('POST', '/v1/promotions', promotionOf(run_id, dataset));
    expect(again?.headers['govctl-replayed']).toBe('true');
    expect(again?.body).toBe(body);
  }
  expectInvariants(on.at, [...acked.keys()]);
  inDatabase(on.at, 'births.db', (database) => {
    const kept = database.prepare("SELECT object_key || ' ' || born_at FROM birth_registry").pluck().all() as string[];
    expect(new Set(kept).size).toBe(kept.length);
    expect(new Set(born).difference(new Set(kept))).toEqual(new Set());
  });
  const count = (sql: string) => inDatabase(on.at, 'govd.db', (database) => database.prepare(sql).pluck().get());
  expect(count(`SELECT count(*) FROM quality_import WHERE snapshot_id = '${imported.snapshot_id}'`)).toBe(imports.length + 1);
  expect(count('SELECT count(*) FROM governance_candidate_state')).toBe(
    inDatabase(on.at, 'births.db', (database) => database.prepare('SELECT count(DISTINCT object_key) FROM birth_registry').pluck().get()),
  );
});
