import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { neverWait, openSqlite } from '../db/index.ts';
import type { Births } from './birth-admission.ts';
import { birthsContract } from './births.contract.ts';
import { patientBirths } from './births-patient.ts';
import { HandoffBench } from './handoff.fixture.ts';

describe('births on SQLite', () => {
  birthsContract(async () => {
    const bench = new HandoffBench();
    return {
      births: bench.births,
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
  await expect((async () => await add(patientBirths(bench.births, 50), 'refused'))()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('another process'),
  });
  const adding = add(patientBirths(bench.births, 60_000), 'patient');
  await sleep(50);
  other.exec('ROLLBACK');
  other.close();
  expect(await adding).toMatchObject({ born: 1 });
  expect(bench.rows('SELECT object_key FROM births.birth_registry')).toEqual([{ object_key: 'patient' }]);
});
