import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openSqlite } from '../db/index.ts';
import { birthsContract } from './births.contract.ts';
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
