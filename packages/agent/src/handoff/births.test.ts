import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { neverWait, openSqlite } from '../db/index.ts';
import type { AdmittedLine, Births } from './birth-admission.ts';
import { birthsContract } from './births.contract.ts';
import type { SqliteBirths } from './births.ts';
import { queuedBirths } from './births-queue.ts';
import { HandoffBench } from './handoff.fixture.ts';

describe.each([
  { of: 'births on SQLite', made: (births: SqliteBirths): Births => births },
  { of: 'births on SQLite, as the daemon queues them', made: (births: SqliteBirths): Births => queuedBirths(births) },
])('$of', ({ made }) => {
  birthsContract(async () => {
    const bench = new HandoffBench();
    return {
      births: made(bench.births),
      now: bench.clock.now,
      rows: async (sql) => bench.rows(sql),
      exec: async (sql) => void bench.birthsHandle.exec(sql.replaceAll('births.', '')),
      [Symbol.asyncDispose]: async () => bench[Symbol.dispose](),
    };
  });
});

it('registers births while govd.db is locked, lacks its tables, or is no database at all', () => {
  using bench = new HandoffBench();
  bench.permit();
  const line = { change: 'BORN' as const, object_type: 'dot_tools', born_at: '2026-11-20T10:00:01.000001Z' };
  const add = (name: string) => bench.add([{ ...line, object_key: name }]);
  const journal = openSqlite(bench.path('govd.db'));
  journal.exec('BEGIN IMMEDIATE');
  add('while/locked');
  journal.exec('DROP TABLE governance_candidate_state; DROP TABLE event_pending; COMMIT');
  journal.close();
  add('while/dropped');
  writeFileSync(bench.path('govd.db'), 'not a database');
  add('while/broken');
  const reader = openSqlite(bench.path('births.db'), 'read');
  expect(reader.prepare('SELECT object_key FROM birth_registry ORDER BY birth_id').pluck().all()).toEqual([
    'while/locked',
    'while/dropped',
    'while/broken',
  ]);
  reader.close();
});

it('waits for another process that writes births, and lets others be served meanwhile; and gives up after a time', async () => {
  using bench = new HandoffBench();
  bench.permit();
  neverWait(bench.birthsHandle);
  const other = openSqlite(bench.path('births.db'));
  other.exec('BEGIN IMMEDIATE');
  const line = { change: 'BORN' as const, object_type: 'dot_tools', born_at: '2026-11-20T10:00:01.000001Z', permit_id: 'bulk' };
  const add = (births: Births, object_key: string) => births.add([{ ...line, object_key }], bench.clock.now());
  await expect((async () => await add(queuedBirths(bench.births, 50), 'refused'))()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('another process'),
  });
  const adding = add(queuedBirths(bench.births, 60_000), 'patient');
  await sleep(50);
  other.exec('ROLLBACK');
  other.close();
  expect(await adding).toMatchObject({ born: 1 });
  expect(bench.rows('SELECT object_key FROM births.birth_registry')).toEqual([{ object_key: 'patient' }]);
});

it('shares a transaction among requests that arrive together: each is all of its lines or none, and one that is at fault is alone with it', async () => {
  using bench = new HandoffBench();
  bench.permit();
  const births = queuedBirths(bench.births);
  const line = { change: 'BORN' as const, object_type: 'dot_tools', born_at: '2026-11-20T10:00:01.000001Z', permit_id: 'bulk' };
  const add = (...lines: object[]) => births.add(lines.map((own) => ({ ...line, ...own })) as AdmittedLine[], bench.clock.now());
  const outcomes = async () =>
    (
      await Promise.allSettled([
        add({ object_key: 'a' }),
        add({ object_key: 'b' }, { object_key: 'c', permit_id: 'none' }),
        add({ object_key: 'd' }),
      ])
    ).map(({ status }) => status);
  const commits = vi.spyOn(bench.birthsHandle, 'exec');
  expect(await outcomes()).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(commits.mock.calls.filter(([sql]) => sql === 'COMMIT')).toHaveLength(1);
  expect(bench.rows('SELECT object_key FROM births.birth_registry ORDER BY birth_id')).toEqual([{ object_key: 'a' }, { object_key: 'd' }]);
  expect(await Promise.all([add({ object_key: 'a' }), add({ object_key: 'a' })])).toMatchObject([{ already: 1 }, { already: 1 }]);

  bench.birthsHandle.exec(
    "CREATE TRIGGER poison BEFORE INSERT ON birth_registry WHEN NEW.object_key = 'poison' BEGIN SELECT RAISE(ABORT, 'no'); END",
  );
  const poisoned = await Promise.allSettled([add({ object_key: 'e' }), add({ object_key: 'poison' }), add({ object_key: 'f' })]);
  expect(poisoned.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
