import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runToEnd } from '../harness.ts';
import { analyzerAvailability } from './machine.ts';

const root = process.getuid?.() === 0;
const analyzer = analyzerAvailability();
const note = root ? analyzer.note : ' (SKIPPED: only root can install)';

/** Into an image: what boot.test.ts does to a machine, as far as files go. */
describe.skipIf(!root || analyzer.skip)(`govd install --root${note}`, () => {
  let image: string;
  beforeAll(() => {
    image = mkdtempSync(join(tmpdir(), 'govctl-image-'));
  });
  afterAll(() => rmSync(image, { recursive: true, force: true }));

  const govd = (...argv: string[]) => runToEnd('govd', [...argv, '--root', image], process.env);
  const files = () =>
    readdirSync(image, { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.includes('govd/program/') && /\.(service|socket|conf|yaml|key)$/.test(path))
      .sort();
  const service = () => join(image, 'etc/systemd/system/govd.service');

  it('says what it would do and does nothing', async () => {
    const told = await govd('install', '--dry-run');
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout).toContain('would write /etc/systemd/system/govd.service');
    expect(readdirSync(image)).toEqual([]);
  });

  it('refuses what it did not write before it has written anything', async () => {
    mkdirSync(join(image, 'etc/systemd/system'), { recursive: true });
    writeFileSync(service(), 'somebody else');
    const refused = await govd('install');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('/etc/systemd/system/govd.service: was not written by govd install');
    expect(refused.stderr).toContain('fix: move it away');
    expect(files()).toEqual(['etc/systemd/system/govd.service']);
    rmSync(service());
  });

  it('makes no keys in an image, writes the same again, and is whole', async () => {
    expect(await govd('install')).toMatchObject({ code: 0, stdout: expect.stringContaining('on the machine itself') });
    expect(files()).toEqual([
      'etc/govd/govd.yaml',
      'etc/systemd/system/govd-admin.socket',
      'etc/systemd/system/govd.service',
      'etc/systemd/system/govd.socket',
      'etc/sysusers.d/govd.conf',
      'etc/tmpfiles.d/govd.conf',
    ]);
    expect(readdirSync(join(image, 'var/lib/govd'))).toEqual([]);
    // Only what has native code lies beside the bundles, and nothing is found in this checkout: the copy is far from it.
    const copy = join(image, 'usr/local/lib/govd/program/packages/agent');
    expect(readdirSync(join(copy, 'node_modules')).sort()).toEqual(['@koromix', 'better-sqlite3', 'koffi', 'node-addon-api']);
    const made = spawnSync(join(copy, 'bin/govd'), ['init', '--state-dir', join(image, 'state')], { encoding: 'utf8' });
    expect({ status: made.status, stderr: made.stderr }).toMatchObject({ status: 0 });
    rmSync(join(image, 'state'), { recursive: true });
    // What only a daemon under systemd calls: init does without it.
    for (const name of ['better-sqlite3', 'koffi'])
      expect(createRequire(join(copy, 'dist', 'main.js'))(name), name).toBeTypeOf(name === 'koffi' ? 'object' : 'function');
    expect(readFileSync(join(image, 'etc/passwd'), 'utf8')).toContain('govd:');
    expect((await govd('install')).stdout).not.toMatch(/^(write|copy|replace|remove) /m);
    const bad = await govd('install', '--origin', 'other/log');
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('/etc/govd/govd.yaml is there and is kept') });
  });

  it('goes again, leaving what somebody changed and what is data', async () => {
    writeFileSync(service(), `${readFileSync(service(), 'utf8')}# mine\n`);
    const gone = await govd('uninstall');
    expect(gone).toMatchObject({ code: 0, stdout: expect.stringContaining('keep /etc/systemd/system/govd.service: it was changed') });
    expect(files()).toEqual(['etc/govd/govd.yaml', 'etc/systemd/system/govd.service']);
    expect(existsSync(join(image, 'usr/local/lib/govd'))).toBe(false);
    expect(await govd('uninstall')).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing is installed') });
  });
});
