import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootAvailability, bootMachine, checkoutInside, type Machine, type Ran, toEnd } from './machine.ts';

const boot = bootAvailability();
const govd = `${checkoutInside}/node_modules/.bin/govd`;

/** From nothing to a running, hardened daemon under the real systemd, and what it does when things go wrong. One machine, in order. */
describe.skipIf(boot.skip)(`govd under systemd${boot.note}`, () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await bootMachine(join(import.meta.dirname, '../..'));
    const installed = await machine.run(govd, 'install', '--origin', 'boot.test/log');
    expect(installed, installed.out).toMatchObject({ code: 0 });
    expect(installed.out).toContain('govctl status');
  });
  afterAll(async () => await machine?.remove());

  const ok = async (command: string, ...argv: string[]): Promise<string> => {
    const ran = await machine.run(command, ...argv);
    if (ran.code !== 0)
      throw new Error(`${[command, ...argv].join(' ')} ended with ${ran.code}: ${ran.out}\n${(await journal()).slice(-3000)}`);
    return ran.out.trim();
  };
  const journal = async () => (await machine.run('journalctl', '-u', 'govd.service', '--no-pager', '-o', 'cat')).out;
  const property = async (name: string) => await ok('systemctl', 'show', 'govd.service', '--value', '-p', name);
  const as = (user: string, ...argv: string[]): Promise<Ran> =>
    machine.run('setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', ...argv);

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 240; attempt += 1) {
      if (await holds()) return;
      await sleep(250);
    }
    throw new Error(`never: ${what}\n${await ok('systemctl', 'status', 'govd.service', '--no-pager').catch(String)}\n${await journal()}`);
  }

  /** Asks over the socket, without a pause, for as long as something else takes. */
  async function asking(meanwhile: () => Promise<void>) {
    const node = `${checkoutInside}/node_modules/node-${process.platform}-${process.arch}/bin/node`;
    const caller = machine.start(node, `${checkoutInside}/test/systemd/caller.mjs`, '/run/govd/govd.sock');
    const ended = toEnd(caller);
    await Promise.race([ended, new Promise((resolve) => caller.stdout?.once('data', resolve))]);
    await meanwhile();
    caller.stdin?.end();
    return JSON.parse((await ended).out.split('\n').at(-1) ?? '') as { answered: number; wrong: string[] };
  }

  it('is ready, says so, runs as itself, and has its keys from systemd alone', async () => {
    expect(await property('ActiveState')).toBe('active');
    expect(await property('StatusText')).toBe('serving');
    expect(await ok('ps', '-o', 'user=', '-p', await property('MainPID'))).toBe('govd');
    await ok('govctl', 'log', 'verify');
    for (const name of ['decision', 'log', 'capability', 'token']) {
      expect((await as('govd', 'cat', `/etc/govd/credentials/${name}.key`)).code, name).not.toBe(0);
      expect((await machine.run('test', '-e', `/var/lib/govd/keys/${name}.key`)).code, name).toBe(1);
    }
    expect((await as('nobody', 'ls', '/var/lib/govd')).code).not.toBe(0);
  });

  it('lets operators call, and administrators alone say who may do what', async () => {
    await ok('useradd', '--groups', 'govctl', 'ada');
    await ok('cp', '/etc/govd/operator.apikey', '/home/ada.apikey');
    await ok('chown', 'ada', '/home/ada.apikey');
    const ada = (...argv: string[]) => as('ada', 'env', 'GOVCTL_API_KEY_FILE=/home/ada.apikey', 'govctl', ...argv);
    expect(await ada('status')).toMatchObject({ code: 0 });
    const refused = await ada('apikey', 'ls');
    expect(refused.code, refused.out).toBe(4);
    expect(refused.out).toContain('govctl context ls');
    expect((await ada('--context', 'admin', 'apikey', 'ls')).out).toContain('error[not-permitted]');
    await ok('usermod', '-aG', 'govctl-admin', 'ada');
    expect(await ada('--context', 'admin', 'apikey', 'ls')).toMatchObject({ code: 0 });
    expect((await as('nobody', 'govctl', 'status')).code).not.toBe(0);
  });

  it('holds connections while it restarts, and answers every one of them', async () => {
    const before = await property('MainPID');
    const seen = await asking(async () => void (await ok('systemctl', 'restart', 'govd.service')));
    expect(await property('MainPID')).not.toBe(before);
    expect(seen.wrong).toEqual([]);
    expect(seen.answered).toBeGreaterThan(1);
  });

  it('comes back after a kill that leaves it no time, with everything that was acknowledged', async () => {
    const before = await property('MainPID');
    await ok('govctl', '--context', 'admin', 'apikey', 'add', '--actor', 'SYSTEM::etl', '--action', 'snapshot.*');
    await ok('kill', '-KILL', before);
    // A call made now waits for the new daemon.
    expect(await ok('govctl', '--context', 'admin', 'apikey', 'ls')).toContain('SYSTEM::etl');
    expect(await property('MainPID')).not.toBe(before);
    await ok('govctl', 'log', 'verify');
  });

  it('reads its configuration again; a bad one fails the reload and changes nothing', async () => {
    const path = machine.file('/etc/govd/govd.yaml');
    const first = readFileSync(path, 'utf8');
    const pid = await property('MainPID');
    const records = async () => (JSON.parse(await ok('govctl', 'evidence', 'ls', '-o', 'json')) as { items: unknown[] }).items.length;
    const recorded = await records();
    writeFileSync(path, `${first}evidence: { capability_ttl: 30s, public_url: "https://e.example" }\n`);
    await ok('systemctl', 'reload', 'govd.service');
    await until('the reload is over', async () => (await property('StatusText')).includes('needs a restart'));
    expect(await property('StatusText')).toBe('serving; needs a restart to change: evidence.public_url');
    expect(await records()).toBe(recorded + 1);

    writeFileSync(path, `${first}evidences: {}\n`);
    const refused = await machine.run('systemctl', 'reload', 'govd.service');
    expect(refused.code).not.toBe(0);
    expect(await journal()).toContain('evidences');
    // Past the check of the unit, the daemon itself keeps the old one.
    await ok('systemctl', 'kill', '--kill-who=main', '-s', 'HUP', 'govd.service');
    await until('the refusal is told', async () => (await property('StatusText')).includes('refused'));
    expect(await property('MainPID')).toBe(pid);
    expect(await property('ActiveState')).toBe('active');
    writeFileSync(path, first);
    await ok('systemctl', 'reload', 'govd.service');
  });

  it('is restarted when it hangs', async () => {
    mkdirSync(machine.file('/etc/systemd/system/govd.service.d'), { recursive: true });
    writeFileSync(machine.file('/etc/systemd/system/govd.service.d/50-test.conf'), '[Service]\nWatchdogSec=8s\nTimeoutAbortSec=2s\n');
    await ok('systemctl', 'daemon-reload');
    await ok('systemctl', 'restart', 'govd.service');
    const before = await property('MainPID');
    await ok('kill', '-STOP', before);
    await until('systemd noticed and started another', async () => {
      const pid = await property('MainPID');
      return pid !== before && pid !== '0' && (await property('ActiveState')) === 'active';
    });
    expect(await journal()).toMatch(/[Ww]atchdog timeout/);
    await ok('govctl', 'log', 'verify');
    await ok('rm', '-r', '/etc/systemd/system/govd.service.d');
    await ok('systemctl', 'daemon-reload');
  });

  it('installs again without a change, and refuses what it did not write', async () => {
    const unit = machine.file('/etc/systemd/system/govd.service');
    const again = await ok('/usr/local/bin/govd', 'install');
    expect(again).not.toMatch(/^(write|copy|replace|remove) /m);
    const ours = readFileSync(unit, 'utf8');
    writeFileSync(unit, `${ours}# edited\n`);
    const refused = await machine.run('/usr/local/bin/govd', 'install');
    expect(refused.code).not.toBe(0);
    expect(refused.out).toContain('systemctl edit govd.service');
    expect(readFileSync(unit, 'utf8')).toBe(`${ours}# edited\n`);
    writeFileSync(unit, ours);
    chmodSync(unit, 0o644);
  });

  it('goes without a trace but the data, and with it when that is meant', async () => {
    const tree = await ok('govctl', 'log', 'checkpoint', '-o', 'note');
    await ok('/usr/local/bin/govd', 'uninstall');
    for (const path of [
      '/usr/local/bin/govd',
      '/usr/local/lib/govd',
      '/etc/systemd/system/govd.service',
      '/etc/systemd/system/multi-user.target.wants/govd.service',
    ])
      expect((await machine.run('test', '-e', path)).code, path).toBe(1);
    expect((await machine.run('systemctl', 'is-active', 'govd.socket')).out.trim()).not.toBe('active');

    await ok(govd, 'install');
    expect(await ok('govctl', 'log', 'checkpoint', '-o', 'note')).toBe(tree);

    const unmeant = await machine.run(govd, 'uninstall', '--purge');
    expect(unmeant.code).not.toBe(0);
    expect(unmeant.out).toContain('--confirm boot.test/log');
    expect(await ok('govctl', 'log', 'checkpoint', '-o', 'note')).toBe(tree);
    await ok(govd, 'uninstall', '--purge', '--confirm', 'boot.test/log');
    for (const path of ['/var/lib/govd', '/etc/govd', '/run/govd']) expect((await machine.run('test', '-e', path)).code, path).toBe(1);
    expect((await machine.run('id', 'govd')).code).not.toBe(0);
  });
});
