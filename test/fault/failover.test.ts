import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../postgres/binaries.ts';
import { type PostgresServer, startPostgres } from '../postgres/server.ts';
import { type Cluster, cluster } from './cluster.ts';
import { promotionOf } from './scene.ts';
import { type FaultProxy, startProxy } from './tcp-proxy.ts';

const postgres = postgresAvailability();
describe.skipIf(postgres.skip)(`a standby that takes over${postgres.note}`, () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  let proxy: FaultProxy;
  let on: Cluster;
  beforeAll(async () => {
    primary = await startPostgres();
    proxy = await startProxy({ targetPort: primary.port });
    on = await cluster({ hosts: 1, datasets: 1, server: primary, port: proxy.port, patience: 35_000 });
    standby = await primary.startStandby();
  });
  afterAll(async () => {
    await on?.remove();
    await proxy?.close();
    for (const server of [standby, primary]) await server?.remove();
  });

  const promote = async (run_id: string) => {
    const [dataset] = on.datasets;
    const request = promotionOf(run_id, { dataset_id: dataset?.dataset_id ?? '', snapshot_id: dataset?.snapshots[0] ?? '' });
    const answer = await on.hosts[0].ask('POST', '/v1/promotions', request);
    const { detail = '' } = JSON.parse(answer?.body ?? '{}') as { detail?: string };
    return { status: answer?.status, detail };
  };
  const eventually = (run_id: string, wanted: unknown) =>
    expect.poll(() => promote(run_id), { timeout: 60_000, interval: 200 }).toEqual(wanted);
  const done = { status: 200, detail: expect.anything() };
  const unready = async () => (await on.hosts[0].ask('GET', '/readyz'))?.body ?? '';
  const handoff = async () =>
    JSON.parse((await on.hosts[0].ask('GET', '/v1/handoff'))?.body ?? '{}') as { coverage?: string; reason?: string };
  const run = async (server: PostgresServer, run_id: string) =>
    (await server.query('SELECT 1 FROM govctl.pointer WHERE run_id = $1', [run_id], on.store.database)).length;

  it('is followed; what was acknowledged is there; the tail says that births may have been lost, and reads on', async () => {
    expect(await promote('before')).toEqual(done);
    const written = (await primary.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn'))[0]?.lsn;
    await expect
      .poll(() => standby.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there', [written]), { timeout: 60_000 })
      .toEqual([{ there: true }]);
    await standby.query('SELECT pg_promote()');
    proxy.lead(standby.port);
    await eventually('after', done);
    expect([await run(standby, 'before'), await run(standby, 'after'), await run(primary, 'after')]).toEqual([1, 1, 0]);
    await expect.poll(handoff, { timeout: 60_000 }).toMatchObject({ coverage: 'pruned' });
    const line = { object_key: 'after', object_type: 'table', born_at: '2026-01-01T00:00:00.000000Z' };
    expect(await on.hosts[0].ask('POST', '/v1/births', { lines: [line], permit_id: 'bulk' })).toMatchObject({ status: 200 });
    await expect
      .poll(
        () => standby.query("SELECT 1 AS there FROM govctl.governance_candidate_state WHERE object_key = 'after'", [], on.store.database),
        {
          timeout: 60_000,
        },
      )
      .toEqual([{ there: 1 }]);
  });

  it('the primary it took over from is refused: nothing is signed on an older timeline', async () => {
    proxy.lead(primary.port);
    await eventually('old', { status: 503, detail: expect.stringMatching(/timeline 1, and 2 was seen: it is an old primary/) });
    expect(await unready()).toMatch(/old primary/);
    expect(await run(primary, 'old')).toBe(0);
    // What it says there is to do.
    proxy.lead(standby.port);
    await on.hosts[0].at.stop();
    await on.hosts[0].at.start();
    await eventually('again', done);
  });
});
