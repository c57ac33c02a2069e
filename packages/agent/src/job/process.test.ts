import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diskWatch, runFolder } from './folder.ts';
import { OutputCapture } from './output.ts';
import { cookieName } from './proc.ts';
import { type Attempt, runAttempt } from './process.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'govctl-process-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const attempt = (command: readonly string[], cookie: string, more: Partial<Attempt> = {}) =>
  runAttempt({
    command,
    cwd,
    env: { PATH: process.env.PATH ?? '' },
    cookie,
    timeoutMs: 60_000,
    graceMs: 100,
    signal: new AbortController().signal,
    watch: async () => null,
    spawned() {},
    capture: new OutputCapture(1024),
    ...more,
  });

/** How many processes carry a cookie. */
async function carrying(cookie: string): Promise<number> {
  const environments = (await readdir('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''));
  return (await Promise.all(environments)).filter((text) => text.split('\0').includes(`${cookieName}=${cookie}`)).length;
}

it('is ended as a group when its time is over, whoever ignores that, and whoever left the group', async () => {
  const script = 'trap "" TERM; setsid sleep 900 & sleep 900 & echo before; wait';
  const ended = await attempt(['sh', '-c', script], 'test/late', { timeoutMs: 700 });
  expect(ended).toMatchObject({ cut: 'it took longer than 0.7 s', exit_code: null, signal: 'SIGKILL' });
  expect([ended.output.toString(), await carrying('test/late')]).toEqual(['before\n', 0]);
});

it('is ended when its folder, or the disk, has had enough', async () => {
  const ended = await attempt(['sleep', '900'], 'test/full', { watch: async () => 'the disk is full' });
  expect(ended).toMatchObject({ cut: 'the disk is full', signal: 'SIGTERM' });
});

it('does not count when its folder had enough before anybody looked', async () => {
  const watch = diskWatch({ ...runFolder(cwd, 'quick'), root: cwd }, { bytes: 100_000, free_bytes: 0 });
  expect(await attempt(['sh', '-c', 'head -c 50000 /dev/zero > some'], 'test/some', { watch })).toMatchObject({ cut: null, exit_code: 0 });
  const ended = await attempt(['sh', '-c', 'head -c 200000 /dev/zero > more'], 'test/more', { watch });
  expect(ended).toMatchObject({ cut: 'its folder holds more than 100000 bytes', exit_code: 0 });
});

it.each([
  ['no-such-program-here', "there is no program 'no-such-program-here'"],
  ['/proc/version/program', "'/proc/version/program' names no program"],
  ['p'.repeat(5000), 'names no program'],
  ['./text', "'./text' may not be run"],
])('says in words why a command is none: %.30s', async (program, reason) => {
  writeFileSync(join(cwd, 'text'), 'no program');
  expect(await attempt([program], 'test/none')).toMatchObject({ cut: expect.stringContaining(reason), exit_code: null, output_bytes: 0 });
});
