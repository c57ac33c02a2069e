import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ChangelogLine, changelog } from '@govctl/fixtures/changelog/index.ts';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const govd = join(root, 'packages/agent/bin/govd');
const govctl = join(root, 'packages/cli/bin/govctl');
const run = promisify(execFile);

let folder = '';
let state = '';
let daemon: ChildProcess | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'handoff-e2e-'));
  state = join(folder, 'state');
  await run(govd, ['init', '--state-dir', state]);
});
afterAll(() => {
  daemon?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function ctl(...args: string[]): Promise<Ended> {
  const env = { ...process.env, GOVCTL_CONFIG: join(state, 'govctl.yaml'), NO_COLOR: '1' };
  return await run(govctl, args, { env, maxBuffer: 1 << 26 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code?: number; stdout: string; stderr: string }) => ({ code: error.code ?? -1, stdout: error.stdout, stderr: error.stderr }),
  );
}

async function start(): Promise<ChildProcess> {
  const child = spawn(govd, ['run', '--state-dir', state], { stdio: ['ignore', 'ignore', 'inherit'] });
  daemon = child;
  for (let tries = 0; tries < 300; tries += 1) {
    if ((await ctl('version', '--daemon')).code === 0) return child;
    await sleep(100);
  }
  throw new Error('govd did not become ready');
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

function importFile(name: string, lines: readonly ChangelogLine[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

function rows<Row>(file: string, sql: string): Row[] {
  const database = new Database(join(state, file), { readonly: true });
  try {
    return database.prepare(sql).all() as Row[];
  } finally {
    database.close();
  }
}

it('loses and doubles no birth when the daemon is killed again and again during imports', async () => {
  const lines = [...changelog({ rows: 40_000, seed: 11 })];
  const file = importFile('births.ndjson', lines);
  let interrupted = 0;
  for (let round = 0; round < 6; round += 1) {
    const child = await start();
    const importing = ctl('handoff', 'import', file);
    await sleep(400 + round * 130);
    await kill(child, 'SIGKILL');
    if ((await importing).code !== 0) interrupted += 1;
  }
  expect(interrupted).toBeGreaterThan(0);

  const child = await start();
  expect(await ctl('handoff', 'import', file, '-o', 'json')).toMatchObject({ code: 0 });
  const status = await ctl('handoff', 'status', '--wait', '-o', 'json');
  expect(status.code).toBe(0);
  const births = lines.filter((line) => line.change === 'BORN');
  expect(JSON.parse(status.stdout)).toMatchObject({
    kind: 'HandoffStatus',
    coverage: 'ok',
    lag_rows: 0,
    unannounced_rows: 0,
    quarantine: 0,
    pending: { by_type: { 'handoff.object_born': births.length } },
  });
  expect(await ctl('handoff', 'lag', '--field', 'births')).toMatchObject({ code: 0, stdout: `${births.length}\n` });
  await kill(child, 'SIGTERM');

  const kept = rows<{ object_key: string; change: string; born_at: string }>(
    'births.db',
    'SELECT object_key, change, born_at FROM registry_changelog',
  );
  const text = (line: { object_key: string; change: string; born_at: string }) => `${line.object_key} ${line.change} ${line.born_at}`;
  expect(kept.map(text).sort()).toEqual(lines.map(text).sort());
  expect(rows('births.db', 'SELECT count(*) AS n FROM birth_registry')).toEqual([{ n: births.length }]);
  expect(rows('govd.db', 'SELECT count(*) AS n FROM governance_candidate_state')).toEqual([
    { n: new Set(lines.map((line) => line.object_key)).size },
  ]);
});

it('delivers what was captured exactly once, killed while it drains', async () => {
  const [{ n: captured } = { n: -1 }] = rows<{ n: number }>('govd.db', 'SELECT count(*) AS n FROM event_pending');
  expect(captured).toBeGreaterThan(10_000);
  const first = await start();
  expect((await ctl('handoff', 'type', 'activate', 'handoff.object_born', '--reason', 'consumers are ready')).code).toBe(0);
  await kill(first, 'SIGKILL');
  const second = await start();
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await ctl('handoff', 'status', '--field', 'pending.by_type')).stdout.trim() === '{"handoff.object_born":0}') break;
    await sleep(100);
  }
  await kill(second, 'SIGTERM');
  const subjects = rows<{ events: string }>('govd.db', 'SELECT events FROM outbox ORDER BY outbox_id')
    .flatMap((row) => JSON.parse(row.events) as { type: string; subject: string; data: { born_at: string } }[])
    .filter((event) => event.type === 'handoff.object_born')
    .map((event) => `${event.subject} ${event.data.born_at}`);
  expect(subjects).toHaveLength(captured);
  expect(new Set(subjects).size).toBe(captured);
  expect(subjects.toSorted()).toEqual(subjects);
  expect(rows('govd.db', 'SELECT * FROM event_pending')).toEqual([]);
});

it('takes births while governance cannot be written, and catches up afterwards', async () => {
  const child = await start();
  const permit = (
    await ctl('birth', 'permit', 'issue', 'dot_tools/crm', '--type', 'dot_tools', '--reason', 'pilot', '-o', 'name')
  ).stdout.trim();
  const locked = new Database(join(state, 'govd.db'));
  locked.exec('BEGIN IMMEDIATE');
  expect(await ctl('birth', 'add', 'dot_tools/crm', '--type', 'dot_tools', '--permit', permit)).toMatchObject({ code: 0 });
  locked.exec('ROLLBACK');
  locked.close();
  expect((await ctl('handoff', 'status', '--wait')).code).toBe(0);
  expect((await ctl('candidate', 'get', 'dot_tools/crm', '--field', 'status')).stdout).toBe('captured\n');
  // Born at OSPA 0: captured, and it cannot be activated.
  expect((await ctl('candidate', 'activate', 'dot_tools/crm')).code).toBe(8);
  expect((await ctl('ospa', 'authorize', '--reason', 'approved')).code).toBe(0);
  expect((await ctl('candidate', 'activate', 'dot_tools/crm')).code).toBe(0);
  await kill(child, 'SIGTERM');
});
