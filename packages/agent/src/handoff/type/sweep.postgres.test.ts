import { afterAll, beforeAll, describe } from 'vitest';
import { type SqlParams, textFor } from '../../db/index.ts';
import { makeTemplate, PostgresBench } from '../handoff-postgres.fixture.ts';
import { startTestServer, type TestServer } from '../postgres-server.fixture.ts';
import { handoffWriteSql } from '../write-sql.ts';
import { sweepContract } from './sweep.contract.ts';
import { eventTypeWriteSql } from './write-sql.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTemplate(server);
});
afterAll(async () => {
  await server?.stop();
});

const values: SqlParams = { event_type: 'handoff.object_born', changed_at: '2026-11-21T03:00:00.000Z', changed_by: 'HUMAN::t' };

describe('activation on PostgreSQL', () => {
  sweepContract(async () => {
    const bench = await PostgresBench.open(server);
    await bench.permit();
    const tail = bench.tail();
    await tail.start();
    const operator = bench.daemon();
    return {
      tail,
      turn: async (active) => {
        const { sql } = active ? handoffWriteSql['event-type.activate'] : eventTypeWriteSql['event-type.deactivate'];
        return (await operator.run(textFor('postgres', sql), values)).count === 1;
      },
      add: (lines) => bench.add(lines),
      exec: (sql) => bench.exec(sql),
      rows: (sql) => bench.rows(sql),
      wait: async () => {
        bench.skipMs += 4_000;
      },
      rewind: () => bench.rewind(),
      lag: () => bench.lag(),
      [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
    };
  }, 2);
});
