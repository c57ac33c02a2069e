import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { birthsContract } from './births.contract.ts';
import { makeTemplate, PostgresBench } from './handoff-postgres.fixture.ts';
import { testSeal } from './permit/seal.fixture.ts';
import { startTestServer, type TestServer } from './postgres-server.fixture.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTemplate(server);
});
afterAll(async () => {
  await server?.stop();
});

const line = { change: 'BORN' as const, object_type: 'tables', born_at: '2026-11-20T10:00:01.000001Z' };
const now = () => '2026-11-21T03:00:00.000Z';

describe('births on PostgreSQL', () => {
  birthsContract(async () => {
    const bench = await PostgresBench.open(server);
    return {
      births: bench.births,
      now,
      rows: (sql) => bench.rows(sql),
      exec: (sql) => bench.exec(sql),
      [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
    };
  });

  it('goes on while every table of governance is locked, and after its schema was dropped', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit();
    const tail = bench.tail();
    await tail.start();
    await bench.exec('BEGIN');
    const tables = await bench.rows<{ t: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS t FROM pg_tables WHERE schemaname = 'govctl'",
    );
    await bench.exec(`LOCK TABLE ${tables.map(({ t }) => t).join(', ')} IN ACCESS EXCLUSIVE MODE`);
    await bench.add([{ ...line, object_key: 'while/locked' }]);
    await bench.exec('COMMIT');
    await bench.exec('DROP SCHEMA govctl CASCADE');
    await bench.add([{ ...line, object_key: 'while/dropped' }]);
    expect(await bench.rows('SELECT object_key FROM births.birth_registry ORDER BY birth_id')).toEqual([
      { object_key: 'while/locked' },
      { object_key: 'while/dropped' },
    ]);
  });

  it('lets two requests bear the same object at once, and it is born once', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit('a');
    await bench.permit('b');
    const many = Array.from({ length: 20 }, (_, n) => ({ ...line, object_key: `t/${n}` }));
    const { openPostgresBirths } = await import('./births.postgres.ts');
    await using other = new AsyncDisposableStack();
    const second = other.adopt(openPostgresBirths(bench.settings, 'births', testSeal), (births) => births.close());
    const receipts = await Promise.all([
      bench.births.add(
        many.map((each) => ({ ...each, permit_id: 'a' })),
        now(),
      ),
      second.add(
        many.toReversed().map((each) => ({ ...each, permit_id: 'b' })),
        now(),
      ),
    ]);
    expect(receipts.reduce((sum, receipt) => sum + receipt.born, 0)).toBe(20);
    expect(receipts.reduce((sum, receipt) => sum + receipt.already, 0)).toBe(20);
    expect(await bench.rows('SELECT sum(birth_count) AS births FROM births.birth_permit')).toEqual([{ births: 20 }]);
    expect(await bench.rows('SELECT count(*) AS n FROM births.birth_registry')).toEqual([{ n: 20 }]);
  });

  it('is written again on a new connection after the old one was cut', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit();
    await bench.exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'govd births' AND datname = current_database()",
    );
    await bench.add([{ ...line, object_key: 't/after' }]);
    expect(await bench.rows('SELECT count(*) AS n FROM births.birth_registry')).toEqual([{ n: 1 }]);
  });

  it('may not change or remove a birth, nor touch governance tables it does not need', async () => {
    await using bench = await PostgresBench.open(server);
    const client = await bench.server.connect(bench.database, 'govd_test');
    await expect(client.query('DELETE FROM births.birth_registry')).rejects.toThrow('permission denied');
    await expect(client.query("UPDATE births.registry_changelog SET change = 'RETIRED'")).rejects.toThrow('permission denied');
    await client.end();
  });
});
