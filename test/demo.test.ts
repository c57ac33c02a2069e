import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceChangelogRows } from '@govctl/fixtures/changelog/index.ts';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runToEnd } from './harness.ts';

const demo = join(import.meta.dirname, '../fixtures/demo/demo.ts');

/** Also the temporary folder of the demonstration, so that what it leaves can be seen. */
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-demo-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function demonstrate(argv: readonly string[], seen: (stdout: string, child: ChildProcess) => void = () => {}): Promise<Ended> {
  const { FORCE_COLOR: _, INIT_CWD: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [demo, ...argv], {
    cwd: folder,
    env: { ...inherited, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    seen(stdout, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

/** Processes that were given something under the folder on their command line. */
function running(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return [];
      }
    })
    .filter((command) => command.includes(folder));
}

function count(file: string, sql: string): unknown {
  const database = new Database(file, { readonly: true });
  try {
    return database.prepare(sql).pluck().get();
  } finally {
    database.close();
  }
}

// Dozens of programs, one after the other: on a machine that is busy they take minutes.
it('does what it says, from nothing to verified evidence, and leaves nothing running', { timeout: 400_000 }, async () => {
  const state = join(folder, 'state');
  const { code, stdout, stderr } = await demonstrate(['--state-dir', 'state']);
  expect(stderr).not.toContain('error');
  expect([code, stdout.includes('every step did what was said')]).toEqual([0, true]);
  // A log is readable: no escapes, no line that was drawn over.
  const controls = [...`${stdout}${stderr}`].filter((character) => character < ' ' && character !== '\n');
  expect(controls).toEqual([]);

  // What it claims, looked up without it: rows, ACTIVE versions, evidence, forgery, processes.
  expect(count(join(state, 'births.db'), 'SELECT count(*) FROM registry_changelog')).toBe(sourceChangelogRows);
  const births = count(join(state, 'births.db'), 'SELECT count(*) FROM birth_registry');
  expect(stdout).toContain(`checked: ${births} births in the file, ${births} in govd`);
  const env = { ...process.env, GOVCTL_CONFIG: join(state, 'govctl.yaml') };
  const verify = (name: string) => runToEnd('govctl', ['evidence', 'verify', join(state, 'demo', name), '--offline'], env);
  expect([(await verify('evidence.json')).code, (await verify('forged.json')).code]).toEqual([0, 20]);
  const pointers = "SELECT group_concat(layer || ' ' || run_id, ', ') FROM (SELECT layer, run_id FROM pointer ORDER BY layer)";
  expect(count(join(state, 'govd.db'), pointers)).toBe('GDP demo-gdp, KPI demo-kpi');
  expect(stdout).toContain('would be denied: regions RAW -> GDP');
  expect(stdout).toContain('looks like invoices, but the columns invoice_number and amount are missing');
  const jobs =
    "SELECT group_concat(run_id || ' ' || name || ' ' || status, ', ') FROM (SELECT * FROM job_step ORDER BY run_id, step_index)";
  const steps = [
    'good count success, good detect success, good infer success',
    'wrong-headers count success, wrong-headers detect skipped',
    'wrong-headers infer skipped',
  ];
  expect(count(join(state, 'govd.db'), jobs)).toBe(steps.join(', ').replaceAll(/(good|wrong-headers) /g, 'demo-job-$1 '));
  expect(running()).toEqual([]);

  // Every command can be typed as it is shown: each $ line names a program and a file that is there.
  const shown = stdout.split('\n').filter((line) => line.startsWith('$ govctl '));
  expect(shown.length).toBeGreaterThan(15);
  for (const path of shown.join('\n').match(/\bdemo\/[\w./-]+/g) ?? []) expect([path, existsSync(join(state, path))]).toEqual([path, true]);
});

it('stops the daemon and takes its folder away when it is interrupted', async () => {
  const { code, stderr } = await demonstrate([], (stdout, child) => {
    if (stdout.includes('Lose no handoff')) child.kill('SIGINT');
  });
  expect([code, stderr.includes('interrupted; govd is stopped')]).toEqual([130, true]);
  expect([running(), readdirSync(folder)]).toEqual([[], []]);
});

it('ends with what is wrong, cleaned up, when a step does not do what the text says', async () => {
  const ended = demonstrate([], (stdout) => {
    // Somebody takes the daemon's socket away: the next command has nobody to talk to.
    const [made] = readdirSync(folder);
    if (made !== undefined && stdout.includes('checked: govd is ready')) rmSync(join(folder, made, 'govd.sock'), { force: true });
  });
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(1);
  expect(stdout).not.toContain('every step did what was said');
  expect(stderr).toMatch(/The demonstration ends here\. govctl .*\nended with 5; it should have ended with 0/);
  expect([running(), readdirSync(folder)]).toEqual([[], []]);
});

it('refuses a folder that holds something, and a flag it does not know', async () => {
  mkdirSync(join(folder, 'full'));
  writeFileSync(join(folder, 'full', 'mine.txt'), 'precious');
  const full = await demonstrate(['--state-dir', 'full']);
  expect([full.code, full.stdout]).toEqual([2, '']);
  expect(full.stderr).toContain('is not empty');
  expect(readFileSync(join(folder, 'full', 'mine.txt'), 'utf8')).toBe('precious');
  expect((await demonstrate(['--forever'])).code).toBe(2);
  expect((await demonstrate(['--help'])).stdout).toContain('--keep');
});
