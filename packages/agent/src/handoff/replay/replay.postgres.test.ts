import { afterAll, beforeAll, describe } from 'vitest';
import { makeTemplate, PostgresBench } from '../handoff-postgres.fixture.ts';
import { startTestServer, type TestServer } from '../postgres-server.fixture.ts';
import { openTailSession } from '../tail-session.postgres.ts';
import type { Replayer } from './port.ts';
import { replayContract } from './replay.contract.ts';
import { PostgresReplayer } from './replay.postgres.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTemplate(server);
});
afterAll(async () => {
  await server?.stop();
});

describe('replay on PostgreSQL', () => {
  replayContract(async () => {
    const bench = await PostgresBench.open(server);
    await bench.permit();
    const tail = bench.tail();
    await tail.start();
    const opened: Replayer[] = [];
    return {
      tail,
      replayer(holder, now) {
        const replayer = new PostgresReplayer({
          open: () => openTailSession(bench.settings, 'replay'),
          holder,
          environment: 'local_parity',
          now,
          sources: () => tail.sources,
          fit: () => tail.fit,
        });
        opened.push(replayer);
        return replayer;
      },
      add: (lines) => bench.add(lines),
      exec: (sql) => bench.exec(sql),
      rows: (sql) => bench.rows(sql),
      wait: async () => {
        bench.skipMs += 4_000;
      },
      rewind: () => bench.rewind(),
      lag: () => bench.lag(),
      [Symbol.asyncDispose]: async () => {
        for (const replayer of opened) await replayer.rest();
        await bench[Symbol.asyncDispose]();
      },
    };
  }, 2);
});
