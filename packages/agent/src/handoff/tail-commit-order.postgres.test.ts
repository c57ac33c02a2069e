import fc from 'fast-check';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTemplate, PostgresBench, settlePostgres } from './handoff-postgres.fixture.ts';
import { startTestServer, type TestServer } from './postgres-server.fixture.ts';
import { postgresHandoffQueries } from './queries.postgres.ts';
import type { PostgresTail } from './tail.postgres.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTemplate(server);
});
afterAll(async () => {
  await server?.stop();
});

const at = (micro: number) => `2026-11-20T10:00:01.${String(micro).padStart(6, '0')}Z`;
const birth = (key: string, micro = 1) =>
  `INSERT INTO birth_registry (object_key, object_type, born_at, permit_id) VALUES ('${key}', 'tables', '${at(micro)}', 'p')`;
const change = (key: string, what: string, micro: number) =>
  `INSERT INTO registry_changelog (object_key, change, born_at) VALUES ('${key}', '${what}', '${at(micro)}')`;

async function opened(): Promise<{ bench: PostgresBench; tail: PostgresTail; writer: Client }> {
  const bench = await PostgresBench.open(server);
  const tail = bench.tail();
  await tail.start();
  return { bench, tail, writer: await bench.connect() };
}

const keysOf = async (bench: PostgresBench) =>
  (await bench.rows<{ object_key: string }>('SELECT object_key FROM governance_candidate_state ORDER BY 1')).map((row) => row.object_key);

/** Everything settled: nothing above the low water, nothing remembered, nothing missing. */
async function expectSettled(bench: PostgresBench, tail: PostgresTail, births: number): Promise<void> {
  for (let round = 0; round < 3; round += 1) await settlePostgres(tail);
  expect(await bench.cursor()).toMatchObject({ seen: '{}', alarm: null });
  expect(await bench.lag()).toEqual({ births, lag_rows: 0, unannounced_rows: 0 });
}

describe('ids that become visible out of order', () => {
  it('applies a row that commits after younger ones were applied, and delivers those at once', async () => {
    const { bench, tail, writer } = await opened();
    await using _ = bench;
    await writer.query('BEGIN');
    await writer.query(birth('t/late'));
    await bench.exec(birth('t/early'));
    await settlePostgres(tail);
    expect(await keysOf(bench)).toEqual(['t/early']);
    expect(await bench.cursor()).toMatchObject({ low_water: 0, seen: '{[2,3)}' });
    await writer.query('COMMIT');
    await expectSettled(bench, tail, 2);
    expect(await keysOf(bench)).toEqual(['t/early', 't/late']);
    expect(await bench.rows('SELECT * FROM event_pending')).toHaveLength(2);
  });

  it('applies a row whose id was drawn long before its transaction had a number', async () => {
    const { bench, tail, writer } = await opened();
    await using _ = bench;
    // The id is a default and drawn first; the trigger waits; only then the row is written. No xid stands for it meanwhile.
    await bench.exec(`CREATE FUNCTION births.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.object_key = 't/slow' THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN NEW; END $$;
      CREATE TRIGGER slow BEFORE INSERT ON births.birth_registry FOR EACH ROW EXECUTE FUNCTION births.slow()`);
    await bench.exec('SELECT pg_advisory_lock(7)');
    const slow = writer.query(birth('t/slow'));
    for (let seen = false; !seen; )
      seen = (await bench.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).length > 0;
    const other = await bench.connect();
    await other.query(birth('t/quick'));
    for (let round = 0; round < 3; round += 1) await settlePostgres(tail);
    expect(await keysOf(bench)).toEqual(['t/quick']);
    expect(await bench.cursor()).toMatchObject({ low_water: 0 });
    await bench.exec('SELECT pg_advisory_unlock(7)');
    await slow;
    await expectSettled(bench, tail, 2);
  });

  it('passes the ids of a rollback, of a savepoint and of a failed statement, and keeps what a savepoint wrote', async () => {
    const { bench, tail, writer } = await opened();
    await using _ = bench;
    await writer.query('BEGIN');
    await writer.query(birth('t/a'));
    await writer.query('SAVEPOINT one');
    await writer.query(birth('t/rolled'));
    await writer.query('ROLLBACK TO one');
    await writer.query('SAVEPOINT two');
    await writer.query(birth('t/b'));
    await writer.query('RELEASE two');
    await bench.exec(birth('t/between'));
    await settlePostgres(tail);
    await writer.query('COMMIT');
    await writer.query('BEGIN');
    await writer.query(birth('t/undone'));
    await writer.query('ROLLBACK');
    await expect(writer.query(birth('t/a'))).rejects.toThrow('unique');
    await expectSettled(bench, tail, 3);
    expect(await keysOf(bench)).toEqual(['t/a', 't/b', 't/between']);
    expect((await bench.cursor()).low_water).toBe(6);
  });

  it('waits for a prepared transaction, and names it', async () => {
    const { bench, tail, writer } = await opened();
    await using _ = bench;
    await writer.query('BEGIN');
    await writer.query(birth('t/prepared'));
    // Once before it is prepared, so that it is remembered by the name it had as a session.
    await bench.exec(birth('t/a'));
    await settlePostgres(tail);
    await writer.query(`PREPARE TRANSACTION '${bench.database}'`);
    await writer.end();
    await bench.exec(birth('t/b'));
    await settlePostgres(tail);
    bench.skipMs += 10_000;
    await settlePostgres(tail);
    expect(await keysOf(bench)).toEqual(['t/a', 't/b']);
    expect(await bench.cursor()).toMatchObject({ low_water: 0, blocker: expect.stringMatching(/^prepared transaction .* 10 s/) });
    await bench.exec(`COMMIT PREPARED '${bench.database}'`);
    await expectSettled(bench, tail, 3);
    expect((await bench.cursor()).blocker).toBeNull();
  });

  it('is not delayed by a long transaction that does not write to the source', async () => {
    const { bench, tail, writer } = await opened();
    await using _ = bench;
    await writer.query('CREATE TABLE elsewhere (x int)');
    await writer.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await writer.query('INSERT INTO elsewhere VALUES (1)');
    await writer.query('SELECT count(*) FROM birth_registry');
    await bench.exec(birth('t/a'));
    await expectSettled(bench, tail, 1);
    expect((await bench.cursor()).low_water).toBe(1);
    await writer.query('COMMIT');
  });

  it('names a writer that hangs, goes on delivering, and counts nothing as behind', async () => {
    const { bench, tail, writer } = await opened();
    await using _ = bench;
    await writer.query("SET application_name = 'the hanging one'");
    await writer.query('BEGIN');
    await writer.query(birth('t/hangs'));
    await bench.exec(birth('t/a'));
    await settlePostgres(tail);
    bench.skipMs += 6_000;
    await bench.exec(birth('t/b'));
    await settlePostgres(tail);
    expect(await keysOf(bench)).toEqual(['t/a', 't/b']);
    const [pid] = (await writer.query('SELECT pg_backend_pid() AS pid')).rows as { pid: number }[];
    const { sql } = postgresHandoffQueries(() => tail.sources).cursorStatus({});
    const [status] = await bench.rows(String(sql));
    expect(status).toMatchObject({ source: 'birth_registry', low_water: 0, head: 3, unread_rows: 0, seen_rows: 2 });
    expect(status?.blocker).toMatch(
      new RegExp(`^pid ${pid?.pid} \\(.*the hanging one; transaction .*\\) keeps ids of birth_registry open for 6 s$`),
    );
    await writer.query('ROLLBACK');
    await expectSettled(bench, tail, 2);
    expect((await bench.cursor()).blocker).toBeNull();
  });

  it('keeps a newer retirement and dirtiness when an older change of the same object becomes visible later', async () => {
    const { bench, tail, writer } = await opened();
    await using _ = bench;
    await bench.exec(birth('t/a'));
    await writer.query('BEGIN');
    await writer.query(change('t/a', 'CHANGED', 2));
    await bench.exec(change('t/a', 'RETIRED', 9));
    await settlePostgres(tail);
    await bench.exec('UPDATE governance_candidate_state SET dirty = 0');
    await writer.query('COMMIT');
    await settlePostgres(tail);
    // It was applied for the first time, after somebody cleaned the candidate: that must be looked at.
    expect(await bench.rows('SELECT dirty, retired_at, changelog_id FROM governance_candidate_state')).toEqual([
      { dirty: 1, retired_at: at(9), changelog_id: 2 },
    ]);
    await bench.exec('UPDATE governance_candidate_state SET dirty = 0');
    await settlePostgres(tail);
    await bench.rewind();
    await settlePostgres(tail);
    expect(await bench.rows('SELECT dirty FROM governance_candidate_state')).toEqual([{ dirty: 0 }]);
  });

  it('takes of two births of one moment the same type, whichever it reads first', async () => {
    const typed = (type: string) => birth('t/a', 4).replace("'tables'", `'${type}'`);
    for (const [first, second] of [
      ['tables', 'tools'],
      ['tools', 'tables'],
    ] as const) {
      const { bench, tail } = await opened();
      await using _ = bench;
      // Our tables have no two; those of other software may.
      await bench.exec('DROP INDEX births.birth_registry_once');
      for (const type of [first, second]) {
        await bench.exec(typed(type));
        await settlePostgres(tail);
      }
      expect(await bench.rows('SELECT object_type FROM governance_candidate_state')).toEqual([{ object_type: 'tools' }]);
    }
  });

  it('comes to the same state in whatever order transactions commit', { timeout: 300_000 }, async () => {
    const row = fc.record({
      writer: fc.integer({ min: 0, max: 3 }),
      key: fc.constantFrom('a', 'b', 'c'),
      what: fc.constantFrom('BORN', 'CHANGED', 'RETIRED', 'REGISTRY', 'COMMIT', 'ROLLBACK', 'STEP'),
      micro: fc.integer({ min: 0, max: 30 }),
      type: fc.constantFrom('tables', 'tools'),
    });
    const state = (bench: PostgresBench) =>
      bench.rows(`SELECT object_key, object_type, state, dirty, born_at, retired_at, changelog_id,
          (SELECT string_agg(born_at, ' ' ORDER BY born_at) FROM event_pending p WHERE p.object_key = c.object_key) AS events
        FROM governance_candidate_state c ORDER BY 1`);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 5, maxLength: 50 }), fc.integer({ min: 1, max: 6 }), async (rows, batch) => {
        const { bench, tail, writer } = await opened();
        await using _ = bench;
        await bench.exec('DROP INDEX births.birth_registry_once; DROP INDEX births.registry_changelog_once');
        const writers = [writer, await bench.connect(), await bench.connect(), await bench.connect()];
        for (const each of writers) await each.query('BEGIN');
        for (const { writer: index, key, what, micro, type } of rows) {
          const mine = writers[index] ?? writer;
          if (what === 'STEP') await tail.step(batch);
          else if (what === 'COMMIT' || what === 'ROLLBACK') await mine.query(`${what}; BEGIN`);
          else if (what === 'REGISTRY') await mine.query(birth(`t/${key}`, micro).replace("'tables'", `'${type}${micro}'`));
          else await mine.query(change(`t/${key}`, what, micro));
        }
        for (const each of writers) await each.query('COMMIT');
        for (let round = 0; round < 3; round += 1) await settlePostgres(tail, batch);
        for (const source of ['birth_registry', 'registry_changelog'] as const)
          expect(await bench.cursor(source)).toMatchObject({ seen: '{}', alarm: null });
        const eager = await state(bench);
        // The same rows, all visible at once.
        await bench.exec(`TRUNCATE governance_candidate_state, event_pending;
          UPDATE handoff_cursor SET low_water = 0, seen = '{}', settled_upto = 0, audited_upto = 0`);
        await settlePostgres(tail, 1_000);
        expect(eager).toEqual(await state(bench));
        expect(await bench.lag()).toMatchObject({ lag_rows: 0, unannounced_rows: 0 });
      }),
      // Each run makes databases: what fails is shown as it is, rather than made smaller until the time is over.
      { numRuns: 12, endOnFailure: true },
    );
  });

  it('loses and doubles nothing among writers that commit, roll back and are killed, while the tail itself is cut again and again', async () => {
    const { bench, tail } = await opened();
    await using _ = bench;
    let stop = false;
    const done: string[] = [];
    const write = async (name: string) => {
      let client = await bench.connect();
      for (let n = 0; !stop; n += 1) {
        const keys = [`t/${name}/${n}/x`, `t/${name}/${n}/y`];
        try {
          await client.query('BEGIN');
          for (const key of keys) await client.query(birth(key));
          if (n % 3 === 0) await client.query('SELECT pg_sleep(0.02)');
          if (n % 11 === 5) await client.query('SELECT pg_terminate_backend(pg_backend_pid())');
          await client.query(n % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
          if (n % 5 !== 4) done.push(...keys);
        } catch {
          client = await bench.connect();
        }
      }
    };
    const writing = Promise.all(['a', 'b', 'c', 'd', 'e'].map(write));
    for (let round = 0; round < 150; round += 1) {
      await tail.step(1 + (round % 40)).catch(() => undefined);
      if (round === 70) await bench.activate();
      if (round % 25 === 10)
        await bench.exec(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'govd tail' AND datname = current_database()",
        );
    }
    stop = true;
    await writing;
    await settlePostgres(tail).catch(() => 0);
    await expectSettled(bench, tail, done.length);
    expect(await keysOf(bench)).toEqual(done.toSorted());
    const announced = (await bench.events()).map((event) => event.subject);
    expect(announced.toSorted()).toEqual(done.toSorted());
  });
});
