import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChangelogLine, changelog } from '@govctl/fixtures/changelog/index.ts';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';

let at: Deployment;
beforeAll(async () => {
  at = await deploy();
});
afterAll(async () => await at.remove());

const ctl = (...args: string[]) => at.govctl(args);
const rows = <Row>(database: 'govd' | 'births', sql: string) => at.rows<Row>(database, sql);

function importFile(name: string, lines: readonly ChangelogLine[]): string {
  const path = join(at.folder, name);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

it('loses and doubles no birth when the daemon is killed again and again during imports', async () => {
  const lines = [...changelog({ rows: 40_000, seed: 11 })];
  const file = importFile('births.ndjson', lines);
  let interrupted = 0;
  for (let round = 0; round < 6; round += 1) {
    await at.start();
    const importing = ctl('handoff', 'import', file);
    await sleep(400 + round * 130);
    await at.stop('SIGKILL');
    if ((await importing).code !== 0) interrupted += 1;
  }
  expect(interrupted).toBeGreaterThan(0);

  await at.start();
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
  await at.stop();

  const kept = await rows<{ object_key: string; change: string; born_at: string }>(
    'births',
    'SELECT object_key, change, born_at FROM registry_changelog',
  );
  const text = (line: { object_key: string; change: string; born_at: string }) => `${line.object_key} ${line.change} ${line.born_at}`;
  expect(kept.map(text).sort()).toEqual(lines.map(text).sort());
  expect(await rows('births', 'SELECT CAST(count(*) AS INTEGER) AS n FROM birth_registry')).toEqual([{ n: births.length }]);
  expect(await rows('govd', 'SELECT CAST(count(*) AS INTEGER) AS n FROM governance_candidate_state')).toEqual([
    { n: new Set(lines.map((line) => line.object_key)).size },
  ]);
});

it('delivers what was captured exactly once, killed while it drains', async () => {
  const [{ n: captured } = { n: -1 }] = await rows<{ n: number }>('govd', 'SELECT CAST(count(*) AS INTEGER) AS n FROM event_pending');
  expect(captured).toBeGreaterThan(10_000);
  await at.start();
  expect((await ctl('handoff', 'type', 'activate', 'handoff.object_born', '--reason', 'consumers are ready')).code).toBe(0);
  await at.stop('SIGKILL');
  await at.start();
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await ctl('handoff', 'status', '--field', 'pending.by_type')).stdout.trim() === '{"handoff.object_born":0}') break;
    await sleep(100);
  }
  await at.stop();
  const subjects = (await rows<{ events: string }>('govd', 'SELECT events FROM outbox ORDER BY outbox_id'))
    .flatMap((row) => JSON.parse(row.events) as { type: string; subject: string; data: { born_at: string } }[])
    .filter((event) => event.type === 'handoff.object_born')
    .map((event) => `${event.subject} ${event.data.born_at}`);
  expect(subjects).toHaveLength(captured);
  expect(new Set(subjects).size).toBe(captured);
  expect(subjects.toSorted()).toEqual(subjects);
  expect(await rows('govd', 'SELECT * FROM event_pending')).toEqual([]);
});

it('takes births while governance cannot be written, and catches up afterwards', async () => {
  await at.start();
  const permit = (
    await ctl('birth', 'permit', 'issue', 'dot_tools/crm', '--type', 'dot_tools', '--reason', 'pilot', '-o', 'name')
  ).stdout.trim();
  const release = await at.blockGovernance();
  // It waits for the database, and holds up nobody. (PostgreSQL has it refused after two seconds.)
  const waiting = ctl('tenant', 'suspend', 'nobody', '--reason', 'drill', '--confirm', 'nobody');
  await sleep(1500);
  expect(await ctl('birth', 'add', 'dot_tools/crm', '--type', 'dot_tools', '--permit', permit)).toMatchObject({ code: 0 });
  await release();
  const held = await waiting;
  if (at.postgres === undefined) expect(held).toMatchObject({ code: 0 });
  expect((await ctl('handoff', 'status', '--wait')).code).toBe(0);
  expect((await ctl('candidate', 'get', 'dot_tools/crm', '--field', 'status')).stdout).toBe('captured\n');
  // Born at OSPA 0: captured, and it cannot be activated.
  expect((await ctl('candidate', 'activate', 'dot_tools/crm')).code).toBe(8);
  expect((await ctl('ospa', 'authorize', '--reason', 'approved')).code).toBe(0);
  expect((await ctl('candidate', 'activate', 'dot_tools/crm')).code).toBe(0);
  await at.stop();
});

it('sets a row aside, tries it again, and gives it up on record', async () => {
  await at.start();
  const poison = `INSERT INTO birth_registry (object_key, object_type, born_at, permit_id) VALUES ('t/poison', 'tables', 'yesterday', 'p') RETURNING birth_id`;
  if (at.postgres !== undefined) await rows('births', poison);
  else new Database(join(at.state, 'births.db')).exec(poison).close();
  const open = async () => await at.json<{ items: { id: number }[] }>(['handoff', 'quarantine', 'ls', '-o', 'json']);
  let { items } = await open();
  for (; items.length === 0; { items } = await open()) await sleep(100);
  const row = `birth_registry/${items[0]?.id}`;
  const retried = await at.json(['handoff', 'quarantine', 'retry', row, '--reason', 'try it', '-o', 'json'], 22);
  expect(retried).toMatchObject({ asked: 1, failed: 1, items: [{ object_key: 't/poison' }] });
  const discarded = await at.json<{ evidence_ref: string }>([
    'handoff',
    'quarantine',
    'discard',
    row,
    '--reason',
    'test data',
    '-o',
    'json',
  ]);
  expect((await ctl('handoff', 'status', '--wait')).code).toBe(0);
  const { envelope } = await at.json<{ envelope: { payload: string } }>(['evidence', 'get', discarded.evidence_ref, '-o', 'json']);
  expect(JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8'))).toMatchObject({
    predicate: { fact: 'handoff.quarantine-discard', reason: 'test data', actor: { actor_id: 'HUMAN::operator' } },
  });
});

it('is paused by an operator over a restart while births go on, and prunes what was read and proved', async () => {
  expect(await at.json(['handoff', 'pause', '--reason', 'consumers are down', '-o', 'json'])).toMatchObject({ changed: true });
  await at.stop();
  await at.start();
  const more = importFile('more.ndjson', [...changelog({ rows: 50, seed: 12 })]);
  expect((await ctl('handoff', 'import', more)).code).toBe(0);
  const paused = await at.json(['handoff', 'status', '-o', 'json'], 22);
  expect(paused).toMatchObject({ coverage: 'unknown', paused: { reason: 'consumers are down', paused_by: 'HUMAN::operator' } });
  expect((await ctl('handoff', 'resume', '--reason', 'they are back')).code).toBe(0);
  expect((await ctl('handoff', 'status', '--wait')).code).toBe(0);

  const left = () => rows<{ n: number }>('births', 'SELECT CAST(count(*) AS INTEGER) AS n FROM registry_changelog');
  const [{ n: all } = { n: 0 }] = await left();
  // Proving follows reading: until then less would go.
  const planned = async () =>
    (await at.json<{ planned_rows: number }>(['handoff', 'prune', '--keep', '5', '--dry-run', '-o', 'json'])).planned_rows;
  await expect.poll(planned, { timeout: 60_000, interval: 500 }).toBe(all - 5);
  expect(await at.json(['handoff', 'prune', '--keep', '5', '--reason', 'disk', '-o', 'json'])).toMatchObject({ finished: true });
  expect(await left()).toEqual([{ n: 5 }]);
  expect((await ctl('handoff', 'status', '--wait')).code).toBe(0);
  await at.stop();
});
