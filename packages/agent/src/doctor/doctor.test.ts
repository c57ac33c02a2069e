import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../../../../test/postgres/binaries.ts';
import { examineOffline } from '../compose-doctor.ts';
import { openSqlite, PostgresReader, SqliteReader } from '../db/index.ts';
import { testDatabase } from '../db/postgres.fixture.ts';
import { initStateDir } from '../state/init.ts';
import type { StateDir } from '../state/state-dir.ts';
import { durabilityFinding } from './durability.ts';
import { clockWatch, jobsFinding, limitFindings } from './process.ts';

let folder: string;
let dir: StateDir;
const at = '2026-11-26T12:00:00.000Z';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'govd-doctor-'));
  dir = await initStateDir({ root: join(folder, 'd'), operator: 'HUMAN::ada', now: () => at });
});
afterAll(() => rmSync(folder, { recursive: true }));

const look = async (now = at) => {
  const checks = await examineOffline(dir.root, () => now);
  return {
    failing: checks.filter(({ status }) => status === 'fail').map(({ name }) => name),
    of: (name: string) => checks.find((check) => check.name === name),
  };
};

describe('a state folder, looked at without a daemon', () => {
  it('has nothing wrong when it was just made', async () => {
    const { failing, of } = await look();
    expect(failing).toEqual([]);
    expect(of('keys')).toMatchObject({ status: 'pass', detail: expect.stringContaining('4 keys') });
    expect(of('schema')).toMatchObject({ status: 'pass' });
    expect(of('durability')).toMatchObject({ status: 'pass' });
    expect(of('log')).toMatchObject({ status: 'pass', detail: 'nothing was logged yet' });
    for (const name of ['configuration', 'state-dir', 'owner', 'disk-state', 'disk-objects', 'clock']) expect(of(name), name).toBeDefined();
  });

  it('sees keys that others may read, and keys that are old', async () => {
    const key = join(dir.keys, 'log.key');
    chmodSync(key, 0o644);
    expect((await look()).of('keys')).toMatchObject({ status: 'fail', fix: `chmod 600 ${key}` });
    chmodSync(key, 0o600);
    utimesSync(key, new Date('2026-01-01'), new Date('2026-01-01'));
    expect((await look()).of('keys')?.detail).toContain('329 days old');
  });

  it('sees a folder that others may enter, and a configuration that is none', async () => {
    chmodSync(dir.root, 0o755);
    expect((await look()).of('state-dir')).toMatchObject({ status: 'warn', fix: `chmod 700 ${dir.root}` });
    chmodSync(dir.root, 0o700);
    const { readFileSync } = await import('node:fs');
    const good = readFileSync(dir.config);
    writeFileSync(dir.config, 'kind: Nonsense\n');
    expect((await look()).of('configuration')).toMatchObject({ status: 'fail', fix: `govctl config validate ${dir.config}` });
    writeFileSync(dir.config, good);
  });

  it('sees a log that nobody signed, a clock that went backwards, and a newer schema', async () => {
    const handle = openSqlite(dir.database);
    handle.prepare('INSERT INTO log_head (size, root, committed_at) VALUES (1, ?, ?)').run(Buffer.alloc(32), '2026-11-26T13:00:00.000Z');
    const later = await look();
    expect(later.of('clock')).toMatchObject({ status: 'fail', detail: expect.stringContaining('3600 s behind'), fix: 'timedatectl' });
    expect(later.of('log')).toMatchObject({ status: 'fail', fix: `govd log adopt --state-dir ${dir.root} --reason TEXT` });
    writeFileSync(dir.checkpoint, 'not a note');
    expect((await look()).of('log')).toMatchObject({ status: 'fail', fix: `mv ${dir.checkpoint} ${dir.checkpoint}.other` });
    handle.prepare("INSERT INTO schema_migration VALUES (9999, '9999_newer.sql', 'x', 1, '2026')").run();
    handle.close();
    expect((await look()).of('database')).toMatchObject({ status: 'fail', fix: 'run the newer govd' });
  });
});

describe('a database', () => {
  it('whose commits are not flushed is told of', async () => {
    const handle = openSqlite(dir.database);
    handle.pragma('synchronous = NORMAL');
    expect(await durabilityFinding(new SqliteReader(handle))).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('synchronous is 1'),
    });
    handle.close();
  });

  const postgres = postgresAvailability();
  it.skipIf(postgres.skip)(`in PostgreSQL with a table that a crash empties is told of${postgres.note}`, async () => {
    const database = await testDatabase('doctor');
    const reader = new PostgresReader(database.daemon, 1);
    expect(await durabilityFinding(reader)).toMatchObject({ status: 'pass' });
    await database.query('ALTER TABLE govctl.lease SET UNLOGGED');
    expect(await durabilityFinding(reader)).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('the table lease is not logged'),
    });
    await reader.close();
    await database.close();
  });
});

describe('a process', () => {
  const proc = (files: Record<string, string>) => (path: string) => files[path];
  const limits = (soft: string) =>
    `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}                 524288               files\n`;
  const rss = (mebibytes: number) => `Name: govd\nVmRSS:\t  ${mebibytes * 1024} kB\n`;

  it('is told of limits that are too low, and of memory that runs out', () => {
    const of = (files: Record<string, string>) => limitFindings(proc(files)).map(({ status }) => status);
    expect(of({})).toEqual(['pass', 'pass']);
    expect(of({ '/proc/self/limits': limits('1024'), '/proc/self/status': rss(90) })).toEqual(['warn', 'pass']);
    expect(
      of({ '/proc/self/limits': limits('65536'), '/proc/self/status': rss(95), '/sys/fs/cgroup/memory.max': `${100 * 2 ** 20}\n` }),
    ).toEqual(['pass', 'warn']);
    expect(of({ '/proc/self/status': rss(95), '/sys/fs/cgroup/memory.max': 'max\n' })).toEqual(['pass', 'pass']);
  });

  it('is told that it runs jobs as root', () => {
    const statuses = (
      [
        [true, 0],
        [true, 990],
        [true, undefined],
        [false, 0],
      ] as const
    ).map(([enabled, uid]) => jobsFinding(enabled, uid).status);
    expect(statuses).toEqual(['warn', 'pass', 'pass', 'pass']);
  });

  it('is told when the wall clock was moved, and not when time passed', () => {
    let [wall, monotonic] = [1000, 0];
    const watch = clockWatch(
      () => wall,
      () => monotonic,
    );
    [wall, monotonic] = [1000 + 3_600_000, 3_600_000];
    expect(watch()).toMatchObject({ status: 'pass' });
    wall -= 7000;
    expect(watch()).toMatchObject({ status: 'warn', detail: expect.stringContaining('-7 s') });
  });
});
