import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mayMount } from '../fault/mount.ts';

/** Where the booted machine sees the checkout. */
export const checkoutInside = '/opt/govctl';

export type Ran = { readonly code: number; readonly out: string };

/** A machine of its own, booted by the real systemd: this one's files, with everything it writes thrown away at the end. */
export type Machine = {
  /** Runs a command in it to its end; standard output and error together. */
  run(command: string, ...argv: readonly string[]): Promise<Ran>;
  /** Starts one and leaves it running. */
  start(command: string, ...argv: readonly string[]): ChildProcess;
  /** Where its file lies for this process. */
  file(path: string): string;
  remove(): Promise<void>;
};

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** Debian's package, where root may install it and a program of it is missing. */
function install(program: string, name: string): void {
  if (has(program) || process.getuid?.() !== 0 || !has('apt-get')) return;
  const quiet = { stdio: 'pipe', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  try {
    execFileSync('apt-get', ['update'], quiet);
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', name], quiet);
  } catch {
    // Said by who asks for the program.
  }
}

/** For a test of units that starts nothing. With CI set nobody goes without who could have it. */
export function analyzerAvailability(): { readonly skip: boolean; readonly note: string } {
  install('systemd-analyze', 'systemd');
  if (has('systemd-analyze')) return { skip: false, note: '' };
  return {
    skip: process.env.CI === undefined || process.getuid?.() !== 0,
    note: ' (SKIPPED: no systemd-analyze; install the package systemd)',
  };
}

/** Whether this machine can boot another. */
export function bootAvailability(): { readonly skip: boolean; readonly note: string } {
  if (process.getuid?.() !== 0) return { skip: true, note: ' (SKIPPED: only root can boot a machine of its own)' };
  if (!mayMount) return { skip: true, note: ' (SKIPPED: nothing may be mounted here)' };
  if (!existsSync('/sys/fs/cgroup')) return { skip: true, note: ' (SKIPPED: no control groups)' };
  install('systemd-nspawn', 'systemd-container');
  if (has('systemd-nspawn')) return { skip: false, note: '' };
  return { skip: process.env.CI === undefined, note: ' (SKIPPED: no systemd-nspawn; install the package systemd-container)' };
}

/** Nothing of what this machine would start, but what systemd itself needs. */
const target = '[Unit]\nRequires=basic.target dbus.service\nAfter=basic.target dbus.service\nAllowIsolate=yes\n';
const bootSeconds = 120;

export async function bootMachine(checkout: string): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), 'govctl-machine-'));
  const root = join(folder, 'root');
  const inside = (path: string) => join(root, path);
  const mounted: string[] = [];
  let spawned: ChildProcess | undefined;
  let init: string | undefined;

  const remove = async () => {
    for (const pid of [init, spawned?.pid]) if (pid !== undefined) spawnSync('kill', ['-KILL', String(pid)]);
    if (spawned !== undefined && spawned.exitCode === null && spawned.signalCode === null)
      await Promise.race([new Promise((resolve) => spawned?.once('exit', resolve)), sleep(10_000)]);
    for (const each of mounted.reverse()) spawnSync('umount', ['-l', each]);
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', folder]);
    mounted.push(folder);
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name));
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work`, root]);
    mounted.push(root);
    clean(inside);
    writeFileSync(inside('/etc/systemd/system/govctl-test.target'), target);
    spawned = spawn(
      'systemd-nspawn',
      [
        ...['-D', root, `--machine=govctl-test-${process.pid}`, '--boot', '--register=no', '--keep-unit', '--console=pipe'],
        ...['--private-network', `--bind-ro=${checkout}:${checkoutInside}`, 'systemd.unit=govctl-test.target'],
      ],
      { env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const said: Buffer[] = [];
    spawned.stdout?.on('data', (chunk: Buffer) => said.push(chunk));
    spawned.stderr?.on('data', (chunk: Buffer) => said.push(chunk));

    const enter = (command: string, argv: readonly string[]) => ['-t', String(init), '-a', 'env', '-i', ...environment, command, ...argv];
    const start: Machine['start'] = (command, ...argv) => spawn('nsenter', enter(command, argv), { stdio: ['pipe', 'pipe', 'pipe'] });
    const run: Machine['run'] = (command, ...argv) => {
      const child = start(command, ...argv);
      child.stdin?.end();
      return toEnd(child);
    };

    for (const deadline = performance.now() + bootSeconds * 1000; ; ) {
      init = childOf(spawned.pid);
      const state = init === undefined ? '' : (await run('systemctl', 'is-active', 'govctl-test.target')).out.trim();
      if (state === 'active') break;
      if (performance.now() > deadline || spawned.exitCode !== null)
        throw new Error(`no machine was booted: ${Buffer.concat(said).toString()}`);
      await sleep(250);
    }
    return { run, start, file: inside, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

const environment = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'NO_COLOR=1',
  'GOVCTL_CONFIG=/etc/govd/govctl.yaml',
];

/** What an installation on this machine itself would have left, and what makes two machines one. */
function clean(inside: (path: string) => string): void {
  for (const path of ['/usr/local/lib/govd', '/usr/local/bin/govd', '/usr/local/bin/govctl', '/etc/govd', '/var/lib/govd'])
    rmSync(inside(path), { recursive: true, force: true });
  const folder = '/etc/systemd/system';
  for (const name of readdirSync(inside(folder)))
    if (name.startsWith('govd')) rmSync(inside(join(folder, name)), { recursive: true, force: true });
  writeFileSync(inside('/etc/machine-id'), '');
}

/** The first process of the machine. Before it, nspawn has children of its own, which do not stay. */
function childOf(pid: number | undefined): string | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return children.find((each) => each !== '' && readFileSync(`/proc/${each}/comm`, 'utf8').trim() === 'systemd');
  } catch {
    return undefined;
  }
}

export function toEnd(child: ChildProcess): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, out: Buffer.concat(chunks).toString('utf8') }));
  });
}
