import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../postgres/binaries.ts';
import { type PostgresServer, startPostgres } from '../postgres/server.ts';
import { type Cluster, cluster, expectAlive, expectBirths, expectInvariantsOf, Load } from './cluster.ts';
import { mayMount } from './mount.ts';
import { expectClean, promotionOf } from './scene.ts';

const postgres = postgresAvailability();
const note = mayMount ? postgres.note : ' (SKIPPED: needs root and tmpfs)';
// CI never skips: where nothing can be mounted it fails there.
describe.skipIf(postgres.skip || (!mayMount && process.env.CI === undefined))(`a PostgreSQL with a disk of its own${note}`, () => {
  let disk: string;
  let server: PostgresServer;
  let on: Cluster;
  beforeAll(async () => {
    const { TMPDIR } = process.env;
    disk = mkdtempSync(join(tmpdir(), 'gpd-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192m,mode=0755', 'tmpfs', disk]);
    // Only the server's folder lies there.
    process.env.TMPDIR = disk;
    server = await startPostgres({ settings: { max_wal_size: '48MB', min_wal_size: '32MB' } }).finally(() => {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    });
    on = await cluster({ hosts: 1, datasets: 1, server, patience: 35_000 });
  });
  afterAll(async () => {
    await on?.remove();
    await server?.remove();
    if (disk === undefined) return;
    spawnSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  it('that is full: what cannot be written is refused, nothing is lost, and all is well when there is space', async () => {
    const [host] = on.hosts;
    const [dataset] = on.datasets;
    if (dataset === undefined) throw new Error('no dataset');
    const request = (run_id: string) => promotionOf(run_id, { dataset_id: dataset.dataset_id, snapshot_id: dataset.snapshots[0] ?? '' });
    const load = new Load(on, 'full');
    await load.start(4);
    const ballast = join(disk, 'ballast');
    mkdirSync(ballast);
    const refused: string[] = [];
    for (let nth = 0; nth < 3000 && refused.length < 20; nth += 1) {
      const { bavail, bsize } = statfsSync(disk);
      // Again and again: the server gives space back when it removes log it does not need any more.
      if (bavail > 0) spawnSync('dd', ['if=/dev/zero', `of=${join(ballast, `${nth}`)}`, `bs=${bsize}`, `count=${bavail}`]);
      const answer = await host.ask('POST', '/v1/promotions', request(`full-alone-${nth}`));
      if (answer?.status === 200) load.acked.set(`full-alone-${nth}`, { body: answer.body, request: request(`full-alone-${nth}`) });
      else {
        const { code, detail } = JSON.parse(answer?.body ?? '{}') as { code: string; detail: string };
        expect([answer?.status, ['evidence-unavailable', 'unavailable'].includes(code), detail]).toEqual([503, true, expect.any(String)]);
        refused.push(`full-alone-${nth}`);
      }
    }
    expect(refused.length).toBe(20);
    rmSync(ballast, { recursive: true });
    // A server that could not write its log has ended, and an administrator starts it again.
    if (
      !(await server.query('SELECT 1').then(
        () => true,
        () => false,
      ))
    ) {
      await server.stop('immediate');
      await server.start();
    }
    for (const run_id of refused)
      await expect.poll(async () => (await host.ask('POST', '/v1/promotions', request(run_id)))?.status, { timeout: 60_000 }).toBe(200);
    await load.end();
    expect([...load.refusals.keys()].every((each) => each.startsWith('503') || each.startsWith('409'))).toBe(true);
    await expectAlive(on.hosts);
    await expectClean(host.at);
    await expectInvariantsOf(on.store, load.acked);
    await expectBirths(on.store, load.born);
  });
});
