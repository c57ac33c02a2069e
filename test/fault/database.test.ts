import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../postgres/binaries.ts';
import { type PostgresServer, startPostgres } from '../postgres/server.ts';
import { type Cluster, cluster, expectAlive, expectBirths, expectInvariantsOf, expectLinear, Load } from './cluster.ts';
import { expectClean, promotionOf } from './scene.ts';

const patient = { timeout: 60_000, interval: 100 };

const postgres = postgresAvailability();
describe.skipIf(postgres.skip)(`a PostgreSQL that goes away${postgres.note}`, () => {
  let server: PostgresServer;
  let on: Cluster;
  beforeAll(async () => {
    server = await startPostgres();
    // Few connections for reading, so that a test can use them up.
    on = await cluster({ hosts: 2, datasets: 2, server, patience: 35_000, yaml: '    connections: 4' });
  });
  afterAll(async () => {
    await on?.remove();
    await server?.remove();
  });

  /** Everything that was acknowledged is there, and the daemons are those that were started first. */
  const expectAll = async (load: Load) => {
    await expectAlive(on.hosts);
    for (const { at } of on.hosts) await expectClean(at);
    await expectInvariantsOf(on.store, load.acked);
    await expectBirths(on.store, load.born);
    expectLinear(load.history);
  };
  const progress = async (load: Load) => {
    const before = load.acked.size;
    await expect.poll(() => load.acked.size, patient).toBeGreaterThan(before + 5);
  };
  const endBackends = () =>
    server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'govd %'", [
      on.store.database,
    ]);
  const nth = (() => {
    let count = 0;
    return () => {
      count += 1;
      return count;
    };
  })();
  const promote = async () => {
    const [dataset] = on.datasets;
    const request = promotionOf(`alone-${nth()}`, { dataset_id: dataset?.dataset_id ?? '', snapshot_id: dataset?.snapshots[0] ?? '' });
    const answer = await on.hosts[0].ask('POST', '/v1/promotions', request);
    const { code = '', detail = '' } = JSON.parse(answer?.body ?? '{}') as { code?: string; detail?: string };
    return { status: answer?.status, code, detail };
  };
  const worksAgain = () => expect.poll(async () => (await promote()).status, patient).toBe(200);

  it('restarted, and killed, under load: nothing that was acknowledged is lost, and no daemon has to be started', async () => {
    const load = new Load(on, 'restart');
    await load.start(8);
    await progress(load);
    await server.restart();
    await progress(load);
    await server.kill();
    await sleep(1000);
    await server.start();
    await progress(load);
    await load.end();
    expect(load.refusals.size).toBeGreaterThan(0);
    await expectAlive(on.hosts);
    await expectInvariantsOf(on.store, load.acked);
    expectLinear(load.history);
  });

  it('every connection ended, again and again, under load', async () => {
    const load = new Load(on, 'ended');
    await load.start(8);
    for (let round = 0; round < 60; round += 1) {
      await endBackends();
      await sleep(Math.random() * 100);
    }
    await progress(load);
    await load.end();
    await expectAll(load);
  });

  it.each([
    ['no connection free for the role', 'ALTER ROLE govd CONNECTION LIMIT 0', 'ALTER ROLE govd CONNECTION LIMIT -1', 'no connection free'],
    ['a database that takes no connections', 'ALTER DATABASE db ALLOW_CONNECTIONS false', 'ALTER DATABASE db ALLOW_CONNECTIONS true', ''],
    ['a role that may not log in', 'ALTER ROLE govd NOLOGIN', 'ALTER ROLE govd LOGIN', 'does not accept this user'],
  ])('%s: a clear answer, and all is well afterwards', async (_what, fault, mended, said) => {
    const inWords = (sql: string) =>
      sql.replace('ROLE govd', `ROLE ${on.store.daemon}`).replace('DATABASE db', `DATABASE ${on.store.database}`);
    await server.query(inWords(fault));
    try {
      await endBackends();
      const refused = await promote();
      expect(refused).toMatchObject({ status: 503, code: 'unavailable' });
      expect(refused.detail).toContain(said);
    } finally {
      await server.query(inWords(mended));
    }
    await worksAgain();
  });

  it('all connections for reading in use: a clear answer, and all is well once they are free', async () => {
    const holder = new Client(server.connection(on.store.database));
    holder.on('error', () => undefined);
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE govctl.api_key IN ACCESS EXCLUSIVE MODE');
    const refused = await Promise.all(Array.from({ length: 24 }, promote));
    await holder.query('ROLLBACK');
    await holder.end();
    expect(new Set(refused.map(({ status, code }) => `${status} ${code}`))).toEqual(new Set(['503 unavailable']));
    expect(refused.some(({ detail }) => detail.includes('connections for reading are in use'))).toBe(true);
    await worksAgain();
    await expectAlive(on.hosts);
  });
});
