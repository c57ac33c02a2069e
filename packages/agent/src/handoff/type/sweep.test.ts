import { describe } from 'vitest';
import { type SqlParams, textFor } from '../../db/index.ts';
import { HandoffBench } from '../handoff.fixture.ts';
import { handoffWriteSql } from '../write-sql.ts';
import { sweepContract } from './sweep.contract.ts';
import { eventTypeWriteSql } from './write-sql.ts';

const values: SqlParams = { event_type: 'handoff.object_born', changed_at: '2026-11-21T03:00:00.000Z', changed_by: 'HUMAN::t' };

describe('activation on SQLite', () => {
  sweepContract(async () => {
    const bench = new HandoffBench();
    bench.permit();
    const tail = bench.tail();
    tail.start();
    return {
      tail,
      turn: async (active) => {
        const { sql } = active ? handoffWriteSql['event-type.activate'] : eventTypeWriteSql['event-type.deactivate'];
        return bench.govd.prepare(textFor('sqlite', sql)).run(values).changes === 1;
      },
      add: async (lines) => bench.add(lines),
      exec: async (sql) => void bench.govd.exec(sql),
      rows: async <Row>(sql: string) => bench.rows<Row>(sql),
      wait: async () => bench.clock.advance(6_000),
      rewind: async () => void bench.govd.exec('UPDATE handoff_cursor SET low_water = 0, audited_upto = 0'),
      lag: async () => bench.lag(),
      [Symbol.asyncDispose]: async () => bench[Symbol.dispose](),
    };
  }, 10);
});
