import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTemplate, PostgresBench, settlePostgres } from './handoff-postgres.fixture.ts';
import { startTestServer, type TestServer } from './postgres-server.fixture.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTemplate(server);
});
afterAll(async () => {
  await server?.stop();
});

const at = (second: number, micro = 0) => `2026-11-20T10:00:${String(second).padStart(2, '0')}.${String(micro).padStart(6, '0')}Z`;
const born = (object_key: string, born_at: string, object_type = 'tables') => ({
  change: 'BORN' as const,
  object_key,
  object_type,
  born_at,
});

describe('smoke', () => {
  it('captures', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit();
    await bench.add([born('t/a', at(1, 1))]);
    const tail = bench.tail();
    await tail.start();
    await settlePostgres(tail);
    expect(await bench.lag()).toEqual({ births: 1, lag_rows: 0, unannounced_rows: 0 });
    await bench.activate();
    await bench.add([born('t/b', at(1, 1))]);
    await settlePostgres(tail);
    expect((await bench.events()).map((event) => event.subject)).toEqual(['t/a', 't/b']);
  });
});
