import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../postgres/binaries.ts';
import { type Cluster, cluster, expectAlive, expectBirths, expectInvariantsOf, expectLinear, type Host, Load } from './cluster.ts';
import { expectClean } from './scene.ts';

/** More for a long run. */
const seconds = Number(process.env.GOVCTL_FAULT_SECONDS ?? 20);
const clients = 12;

const postgres = postgresAvailability();
describe.skipIf(postgres.skip)(`three hosts on one PostgreSQL${postgres.note}`, () => {
  let on: Cluster;
  beforeAll(async () => {
    on = await cluster({ hosts: 3, datasets: 3 });
  });
  afterAll(async () => await on?.remove());

  const fence = async () =>
    (await on.store.query<{ fence: number }>('SELECT max(fence)::int AS fence FROM govctl.handoff_cursor'))[0]?.fence ?? 0;
  const anyHost = () => on.hosts[Math.floor(Math.random() * on.hosts.length)] ?? on.hosts[0];

  it(
    'lose, double and reorder nothing while they are killed and stopped one after the other',
    async () => {
      const load = new Load(on, 'run');
      await load.start(clients);
      const faults = { SIGKILL: 0, SIGSTOP: 0 };
      const until = Date.now() + seconds * 1000;
      // On a slow machine a start takes most of the time there is: a few faults there have to be.
      while (Date.now() < until || faults.SIGKILL + faults.SIGSTOP <= 2) {
        await sleep(200 + Math.random() * 800);
        const host = anyHost();
        if (Math.random() < 0.5) {
          faults.SIGKILL += 1;
          await host.at.stop('SIGKILL');
          host.daemon = await host.at.start();
        } else {
          faults.SIGSTOP += 1;
          host.daemon.kill('SIGSTOP');
          // Around the time after which the server ends the transactions of somebody who is silent.
          await sleep(500 + Math.random() * 3000);
          host.daemon.kill('SIGCONT');
        }
      }
      await load.end();
      await expectAlive(on.hosts);

      // The load was one, and so were the faults: otherwise nothing was shown.
      expect(load.acked.size).toBeGreaterThan(clients);
      expect(load.born.size).toBeGreaterThan(0);
      expect(faults.SIGKILL + faults.SIGSTOP).toBeGreaterThan(2);
      for (const { at } of on.hosts) await expectClean(at);
      await expectInvariantsOf(on.store, load.acked);
      await expectBirths(on.store, load.born);
      expectLinear(load.history);
      for (const [run_id, { body, request }] of load.acked) {
        const again = await anyHost().ask('POST', '/v1/promotions', request);
        expect([run_id, again?.headers['govctl-replayed'], again?.body]).toEqual([run_id, 'true', body]);
      }
    },
    120_000 + seconds * 3000,
  );

  it('a host that was stopped until its lease had run out tails nothing that is stale, and goes on', async () => {
    const rowsOf = async ({ ask }: Host) => {
      const metrics = (await ask('GET', '/metrics'))?.body ?? '';
      return Number(/^govd_handoff_rows_total (\d+)/m.exec(metrics)?.[1] ?? 0);
    };
    const bear = async (host: Host, name: string) => {
      const line = { change: 'BORN', object_key: name, object_type: 'table', born_at: '2026-11-20T11:00:00.000001Z' };
      expect((await host.ask('POST', '/v1/births', { lines: [line], permit_id: 'bulk' }))?.status).toBe(200);
    };
    const announced = async (name: string) =>
      (
        await on.store.query<{ n: number }>(
          `SELECT (SELECT count(*) FROM govctl.event_pending WHERE object_key = $1)::int
             + (SELECT count(*) FROM govctl.handoff_emitted WHERE object_key = $1)::int AS n`,
          [name],
        )
      )[0]?.n;
    const isAnnounced = (name: string) => expect.poll(() => announced(name), { timeout: 60_000, interval: 100 }).toBe(1);

    // Who tails is who applies what is born.
    const before = await Promise.all(on.hosts.map(rowsOf));
    await bear(on.hosts[0], 'db/before');
    await isAnnounced('db/before');
    const after = await Promise.all(on.hosts.map(rowsOf));
    const holder = on.hosts.find((_, index) => (after[index] ?? 0) > (before[index] ?? 0));
    const other = on.hosts.find((host) => host !== holder);
    if (holder === undefined || other === undefined) throw new Error('nobody tails');

    const held = await fence();
    holder.daemon.kill('SIGSTOP');
    await bear(other, 'db/meanwhile');
    await isAnnounced('db/meanwhile');
    expect(await fence()).toBeGreaterThan(held);
    const taken = await fence();
    holder.daemon.kill('SIGCONT');
    await bear(holder, 'db/after');
    await isAnnounced('db/after');
    // It noticed that it was overtaken, and did not take the tail back.
    expect(await fence()).toBe(taken);
    expect([await announced('db/before'), await announced('db/meanwhile')]).toEqual([1, 1]);
    for (const { at } of on.hosts) await expectClean(at);
  });
});
