import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../postgres/binaries.ts';
import { type Cluster, cluster, expectAlive, expectBirths, expectInvariantsOf, expectLinear, Load } from './cluster.ts';
import { expectClean } from './scene.ts';

const hour = 3_600_000;

const postgres = postgresAvailability();
describe.skipIf(postgres.skip)(`hosts whose clocks are two hours apart${postgres.note}`, () => {
  let on: Cluster;
  beforeAll(async () => {
    const shifted = (milliseconds: number) => ({
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'shifted-clock.mjs')}`,
      GOVCTL_TEST_CLOCK_SHIFT: `${milliseconds}`,
    });
    on = await cluster({ hosts: 3, datasets: 2, env: (index) => shifted(index === 1 ? hour : -hour) });
  });
  afterAll(async () => await on?.remove());

  it('live by the clock of the database: what is written, leases, and links that expire', async () => {
    // The clocks are wrong: otherwise nothing was shown.
    const offsets = await Promise.all(
      on.hosts.map(async ({ at }) => Math.round((Number(/"time":(\d+)/.exec(await at.log())?.[1]) - Date.now()) / hour)),
    );
    expect(offsets.map((offset) => offset + 0)).toEqual([0, 1, -1]);
    const fences = () =>
      on.store.query(
        "SELECT max(fence) AS fence FROM govctl.handoff_cursor UNION ALL SELECT fence FROM govctl.lease WHERE lease_name = 'event-dispatch'",
      );
    const load = new Load(on, 'clock');
    await load.start(6);
    await sleep(2000);
    const before = await fences();
    await sleep(4000);
    await load.end();
    expect(load.acked.size).toBeGreaterThan(6);
    // Nobody took the tail from a host that holds it: by his own clock the lease would have run out long ago, or never would.
    expect((await fences())[0]).toEqual(before[0]);
    const strange = await on.store.query(
      `SELECT at FROM (SELECT recorded_at AS at FROM govctl.record UNION ALL SELECT moved_at FROM govctl.pointer UNION ALL SELECT committed_at FROM govctl.log_head
         UNION ALL SELECT updated_at FROM govctl.run UNION ALL SELECT committed_at FROM govctl.outbox) AS t
       WHERE at::timestamptz NOT BETWEEN clock_timestamp() - interval '30 minutes' AND clock_timestamp() + interval '1 second'`,
    );
    expect(strange).toEqual([]);
    const [acked] = load.acked.values();
    const { evidence } = JSON.parse(acked?.body ?? '') as { evidence: { ref: string } };
    for (const { at } of on.hosts) {
      expect((await at.govctl(['evidence', 'get', evidence.ref, '-O', join(at.folder, 'evidence.json')])).stderr).not.toContain('error');
      await expectClean(at);
    }
    await expectAlive(on.hosts);
    await expectInvariantsOf(on.store, load.acked);
    await expectBirths(on.store, load.born);
    expectLinear(load.history);
  });
});
