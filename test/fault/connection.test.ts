import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../postgres/binaries.ts';
import { sharedPostgres } from '../postgres/shared.ts';
import { type Cluster, cluster, expectAlive, expectBirths, expectInvariantsOf, expectLinear, Load } from './cluster.ts';
import { expectClean, promotionOf } from './scene.ts';
import { type FaultProxy, startProxy } from './tcp-proxy.ts';

/** How long `govctl` waits for an answer when nobody says otherwise. */
const clientPatience = 30_000;

const postgres = postgresAvailability();
describe.skipIf(postgres.skip)(`a network between govd and PostgreSQL that goes wrong${postgres.note}`, () => {
  let proxy: FaultProxy;
  let on: Cluster;
  beforeAll(async () => {
    const server = await sharedPostgres();
    proxy = await startProxy({ targetPort: server.port });
    on = await cluster({ hosts: 1, datasets: 2, server, port: proxy.port, patience: clientPatience });
  });
  afterAll(async () => {
    await on?.remove();
    await proxy?.close();
  });

  const requestOf = (run_id: string) => {
    const [dataset] = on.datasets;
    return promotionOf(run_id, { dataset_id: dataset?.dataset_id ?? '', snapshot_id: dataset?.snapshots[0] ?? '' });
  };
  const promote = async (run_id: string) => {
    const answer = await on.hosts[0].ask('POST', '/v1/promotions', requestOf(run_id));
    const { code = '', detail = '' } = JSON.parse(answer?.body ?? '{}') as { code?: string; detail?: string };
    return { status: answer?.status, code, detail };
  };
  const isThere = async (run_id: string) => (await on.store.query('SELECT 1 FROM govctl.pointer WHERE run_id = $1', [run_id])).length;
  const insist = async (run_id: string) => {
    await expect.poll(async () => (await promote(run_id)).status, { timeout: 60_000, interval: 100 }).toBe(200);
    expect(await isThere(run_id)).toBe(1);
  };

  it.each(['before', 'after', 'answered'] as const)(
    'a COMMIT lost %s the server had it is done, once, when the server can be asked',
    async (moment) => {
      for (let round = 0; round < 4; round += 1) {
        const run_id = `${moment}-${round}`;
        const cut = proxy.cutWhen('COMMIT', moment, { greeting: 'govd journal' });
        // Another unit may be what is cut, for example positions of events: then this one goes through the same connection that is new.
        const answer = await promote(run_id);
        await cut;
        expect(answer).toMatchObject({ status: 200 });
        expect(await isThere(run_id)).toBe(1);
        await insist(run_id);
      }
    },
  );

  it.each(['before', 'after', 'answered'] as const)(
    'a COMMIT lost %s the server had it, and nobody can be asked: the answer says so, and no more',
    async (moment) => {
      const run_id = `unknown-${moment}`;
      const cut = proxy.cutWhen('COMMIT', moment, { greeting: 'govd journal', refuse: true });
      const asked = promote(run_id);
      await cut;
      const { status, code, detail } = await asked;
      expect(status).toBe(503);
      if (code === 'evidence-unavailable' && detail.includes('this may have been done')) expect(detail).not.toContain('nothing was done');
      else {
        // It was another unit that was cut, and this one found nobody to write to, or to read from.
        expect(code === 'unavailable' || detail.includes('nothing was done')).toBe(true);
        expect(await isThere(run_id)).toBe(0);
      }
      await proxy.pass();
      await insist(run_id);
    },
  );

  it('half-open connections: whoever asks is told before he gives up, and all is well afterwards', async () => {
    const load = new Load(on, 'half-open');
    await load.start(4);
    await sleep(1000);
    proxy.blackhole();
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => promote(`hole-${name}`)));
    for (const { status, code } of answers) expect([status, code]).toEqual([503, 'unavailable']);
    proxy.cut();
    await proxy.pass();
    const before = load.acked.size;
    await expect.poll(() => load.acked.size, { timeout: 60_000, interval: 100 }).toBeGreaterThan(before + 5);
    await load.end();
    await insist('hole-a');

    await expectAlive(on.hosts);
    await expectClean(on.hosts[0].at);
    await expectInvariantsOf(on.store, load.acked);
    await expectBirths(on.store, load.born);
    expectLinear(load.history);
  });
});
