import { afterAll, beforeAll, describe } from 'vitest';
import { makeTemplate, PostgresBench } from './handoff-postgres.fixture.ts';
import { startTestServer, type TestServer } from './postgres-server.fixture.ts';
import { tailContract, twoRows } from './tail.contract.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTemplate(server);
});
afterAll(async () => {
  await server?.stop();
});

describe('the tail on PostgreSQL', () => {
  tailContract(async () => {
    const bench = await PostgresBench.open(server);
    await bench.permit();
    const tail = bench.tail();
    await tail.start();
    return {
      tail,
      add: (lines) => bench.add(lines),
      exec: (sql) => bench.exec(sql),
      rows: (sql) => bench.rows(sql),
      wait: async () => {
        bench.skipMs += 4_000;
      },
      rewind: () => bench.rewind(),
      lag: () => bench.lag(),
      lagByPage: () => bench.lagByPage(twoRows),
      refuse: async (object_key) => {
        await bench.exec(`ALTER TABLE event_pending ADD CONSTRAINT refuse CHECK (object_key <> '${object_key}')`);
        return () => bench.exec('ALTER TABLE event_pending DROP CONSTRAINT refuse');
      },
      fillLane: async () => {
        await bench.exec(
          `WITH o AS (INSERT INTO outbox (committed_at, event_count, events) SELECT 'then', 0, '[]' FROM generate_series(1, 2000) RETURNING outbox_id)
           INSERT INTO outbox_waiting SELECT outbox_id FROM o`,
        );
        return () => bench.exec('DELETE FROM outbox_waiting');
      },
      [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
    };
  }, 8);
});
