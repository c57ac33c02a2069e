import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runToEnd } from '../harness.ts';
import { junit } from '../orders.ts';
import { mayMount } from './mount.ts';
import { expectClean, expectInvariants, inDatabase, promotionOf, type Scene, scene } from './scene.ts';

// CI never skips: where nothing can be mounted it fails there.
describe.skipIf(!mayMount && process.env.CI === undefined)(`a disk of its own${mayMount ? '' : ' (SKIPPED: needs root and tmpfs)'}`, () => {
  let on: Scene;
  let disk: string;
  let births: string;
  /** Moves the state folder onto small disks: governance on one, births on another. */
  beforeAll(async () => {
    on = await scene({ datasets: 2 });
    await on.insist('POST', '/v1/births/permits', { permit_kind: 'bulk', permit_id: 'bulk', reason: 'fault test' });
    await on.at.stop();
    disk = on.at.state;
    births = join(on.at.folder, 'births-disk');
    await rename(disk, join(on.at.folder, 'moved'));
    await mkdir(disk);
    await mkdir(births);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', births]);
    execFileSync('/bin/sh', ['-c', `cp -a '${on.at.folder}/moved/.' '${disk}/' && mv '${disk}'/births.db* '${births}/'`]);
    await symlink(join(births, 'births.db'), join(disk, 'births.db'));
    await on.at.start();
  });
  afterAll(async () => {
    await on?.at.stop('SIGKILL');
    for (const mount of [disk, births]) if (mount !== undefined) spawnSync('umount', ['-l', mount]);
    await on?.remove();
  });

  const ballast = () => join(disk, 'ballast');
  const fill = () => {
    const { bavail, bsize } = statfsSync(disk);
    try {
      writeFileSync(ballast(), Buffer.alloc(bavail * bsize));
    } catch (error) {
      // The daemon wrote something in between: full is full.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  };
  const promote = async (run_id: string) => {
    const [dataset] = on.datasets;
    if (dataset === undefined) throw new Error('no dataset');
    return await on.ask('POST', '/v1/promotions', promotionOf(run_id, dataset));
  };
  const born = (name: string) => ({ change: 'BORN', object_key: name, object_type: 'tables', born_at: '2026-11-20T10:00:00.000001Z' });

  it('that is full: what needs evidence is refused whole, births go on, and all of it works again when there is space', async () => {
    const acked: string[] = [];
    expect((await promote('before'))?.status).toBe(200);
    acked.push('before');

    const diskReady = async () => {
      const { status, body } = (await on.ask('GET', '/readyz')) ?? { status: 0, body: '{}' };
      const { checks } = JSON.parse(body) as { checks: { name: string; ok: boolean }[] };
      return [status, checks.find(({ name }) => name === 'disk')?.ok];
    };
    expect(await diskReady()).toEqual([200, true]);
    fill();
    expect(await diskReady()).toEqual([503, false]);
    const refused: string[] = [];
    for (let n = 0; n < 400 && refused.length < 20; n += 1) {
      const answer = await promote(`full-${n}`);
      if (answer?.status === 200) acked.push(`full-${n}`);
      else {
        expect([answer?.status, JSON.parse(answer?.body ?? '{}').code]).toEqual([503, 'evidence-unavailable']);
        refused.push(`full-${n}`);
      }
    }
    expect(refused.length).toBe(20);
    // Nothing of what was refused is there.
    const runs = inDatabase(on.at, 'govd.db', (database) => database.prepare('SELECT run_id FROM run').pluck().all());
    expect(refused.filter((run_id) => runs.includes(run_id))).toEqual([]);

    const quality = await on.ask(
      'POST',
      `/v1/snapshots/${on.datasets[1]?.snapshot_id}/quality?kind=junit`,
      Buffer.from(junit({ failed: 'x' })),
    );
    expect([quality?.status, JSON.parse(quality?.body ?? '{}').code]).toEqual([503, 'evidence-unavailable']);
    const content = randomBytes(1 << 20);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const upload = await on.ask('PUT', `/v1/objects/${digest}`, content);
    expect([upload?.status, JSON.parse(upload?.body ?? '{}').code]).toEqual([503, 'storage-unavailable']);
    expect((await on.ask('POST', '/v1/objects/missing', { digests: [digest] }))?.body).toContain(digest);

    for (let n = 0; n < 5; n += 1)
      expect((await on.ask('POST', '/v1/births', { lines: [born(`while/full-${n}`)], permit_id: 'bulk' }))?.status).toBe(200);
    expect((await on.ask('GET', '/healthz'))?.status).toBe(200);
    expect((await on.ask('GET', '/v1/datasets'))?.status).toBe(200);

    rmSync(ballast());
    expect(await diskReady()).toEqual([200, true]);
    for (const run_id of refused) {
      expect((await on.insist('POST', '/v1/promotions', promotionOf(run_id, on.datasets[0] as never))).status).toBe(200);
      acked.push(run_id);
    }
    expect((await on.insist('PUT', `/v1/objects/${digest}`, content)).status).toBe(200);
    await expectClean(on.at);
    expectInvariants(on.at, acked);
    expect((await on.at.json<{ object_key: string }>(['candidate', 'get', 'while/full-4'])).object_key).toBe('while/full-4');
  });

  it('that is read-only: govd does not start, says why, and starts when it can be written', async () => {
    await on.at.stop();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const ended = await runToEnd('govd', ['run', '--state-dir', disk], process.env, {
      started: (child) => void setTimeout(() => child.kill('SIGKILL'), 10_000).unref(),
    });
    expect([ended.code, ended.signal]).toEqual([77, null]);
    expect(ended.stderr).toMatch(/^error\[[a-z-]+\]: .*\n/);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    await on.at.start();
    expect((await promote('writable-again'))?.status).toBe(200);
  });
});
