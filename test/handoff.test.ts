import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChangelogLine, changelog } from '@govctl/fixtures/changelog/index.ts';
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
  expect(await ctl('birth', 'add', 'dot_tools/crm', '--type', 'dot_tools', '--permit', permit)).toMatchObject({ code: 0 });
  await release();
  expect((await ctl('handoff', 'status', '--wait')).code).toBe(0);
  expect((await ctl('candidate', 'get', 'dot_tools/crm', '--field', 'status')).stdout).toBe('captured\n');
  // Born at OSPA 0: captured, and it cannot be activated.
  expect((await ctl('candidate', 'activate', 'dot_tools/crm')).code).toBe(8);
  expect((await ctl('ospa', 'authorize', '--reason', 'approved')).code).toBe(0);
  expect((await ctl('candidate', 'activate', 'dot_tools/crm')).code).toBe(0);
  await at.stop();
});
