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

const line = (object_key: string) => ({
  change: 'BORN' as const,
  object_key,
  object_type: 'tables',
  born_at: '2026-11-20T10:00:01.000001Z',
});
/** What ten silent seconds do to a lease. */
const runOut = "UPDATE handoff_cursor SET lease_until = clock_timestamp() - interval '1 second'";

describe('several hosts', () => {
  it('tail one at a time: the others wait for the lease, and one takes over when it ran out', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit();
    const [first, second] = [bench.tail('first'), bench.tail('second')];
    await first.start();
    await second.start();
    await first.step(10);
    expect(await second.step(10)).toEqual({ kind: 'standby', retry_ms: 2_000 });
    await bench.add([line('t/a')]);
    await bench.exec(runOut);
    await settlePostgres(second);
    expect(await bench.cursor()).toMatchObject({ low_water: 1, fence: 2 });
    expect(await bench.rows('SELECT DISTINCT holder FROM handoff_cursor')).toEqual([{ holder: 'second' }]);
    // The first finds out at its next batch, commits nothing, and waits like anybody else.
    await bench.add([line('t/b')]);
    expect(await first.step(10)).toEqual({ kind: 'fenced' });
    expect(await bench.lag()).toMatchObject({ births: 2, lag_rows: 1 });
    expect(await first.step(10)).toMatchObject({ kind: 'standby' });
    await settlePostgres(second);
    expect(await bench.lag()).toMatchObject({ births: 2, lag_rows: 0 });
  });

  it('commits nothing after its lease ran out, even where nobody took it over', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit();
    const tail = bench.tail();
    await tail.start();
    await tail.step(10);
    await bench.add([line('t/a')]);
    await bench.exec(runOut);
    expect(await tail.step(10)).toEqual({ kind: 'fenced' });
    expect(await bench.rows('SELECT * FROM governance_candidate_state')).toEqual([]);
    await settlePostgres(tail);
    expect(await bench.lag()).toMatchObject({ births: 1, lag_rows: 0 });
  });

  it('hands over at once when a host stops as it should', async () => {
    await using bench = await PostgresBench.open(server);
    const [first, second] = [bench.tail('first'), bench.tail('second')];
    await first.start();
    await second.start();
    await first.step(10);
    await first.stop();
    expect((await second.step(10)).kind).toBe('idle');
    expect(await bench.rows('SELECT DISTINCT holder FROM handoff_cursor')).toEqual([{ holder: 'second' }]);
  });

  it('is freed by the server from a host that froze inside a batch, which then commits nothing', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit();
    const [frozen, other] = [bench.tail('frozen'), bench.tail('other')];
    await frozen.start();
    await other.start();
    await frozen.step(10);
    await bench.add([line('t/a')]);
    // A process that is stopped (SIGSTOP) between two statements: its transaction stays open and holds the cursors.
    const batch = frozen.session.transaction(async (run) => {
      await run('SELECT * FROM handoff_cursor WHERE fence = :fence FOR UPDATE', { fence: frozen.fence });
      await run("UPDATE handoff_cursor SET low_water = 99, lease_until = clock_timestamp() + interval '1 hour'");
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      await run('SELECT 1');
    });
    const failed = expect(batch).rejects.toThrow();
    // The lease itself runs out meanwhile; the row lock is what could keep others waiting.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const cleared = bench.exec(runOut);
    await cleared;
    await settlePostgres(other);
    expect(await bench.cursor()).toMatchObject({ low_water: 1, fence: 2 });
    await failed;
    expect(await frozen.step(10)).toEqual({ kind: 'fenced' });
    expect(await bench.lag()).toMatchObject({ births: 1, lag_rows: 0 });
  });

  it('goes on after its connection was cut in the middle of a batch, with nothing lost and nothing twice', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit();
    await bench.activate();
    const tail = bench.tail();
    await tail.start();
    await tail.step(10);
    await bench.add([line('t/a'), line('t/b')]);
    // The batch waits for this lock, so it is cut while it is under way.
    const blocker = await bench.connect();
    await blocker.query('BEGIN; LOCK TABLE govctl.handoff_emitted IN ACCESS EXCLUSIVE MODE');
    const step = expect(tail.step(10)).rejects.toThrow();
    for (let waits = false; !waits; ) {
      waits =
        (await bench.rows("SELECT 1 FROM pg_stat_activity WHERE application_name = 'govd tail' AND wait_event_type = 'Lock'")).length > 0;
    }
    await bench.exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'govd tail' AND datname = current_database()",
    );
    await blocker.query('ROLLBACK');
    await step;
    expect(await bench.rows('SELECT * FROM governance_candidate_state')).toEqual([]);
    await settlePostgres(tail);
    expect(await bench.lag()).toEqual({ births: 2, lag_rows: 0, unannounced_rows: 0 });
    expect((await bench.events()).map((event) => event.subject)).toEqual(['t/a', 't/b']);
  });
});

describe('an activation of the event type', () => {
  it('waits for the batch that captures, so that nothing is captured under an active type and left there', async () => {
    await using bench = await PostgresBench.open(server);
    await bench.permit();
    const tail = bench.tail();
    await tail.start();
    await tail.step(10);
    await bench.add([line('t/a')]);
    const blocker = await bench.connect();
    await blocker.query('BEGIN; LOCK TABLE govctl.event_pending IN EXCLUSIVE MODE');
    const step = tail.step(10);
    for (let waits = false; !waits; ) {
      waits =
        (await bench.rows("SELECT 1 FROM pg_stat_activity WHERE application_name = 'govd tail' AND wait_event_type = 'Lock'")).length > 0;
    }
    const activated = bench.activate();
    await blocker.query('ROLLBACK');
    await step;
    await activated;
    await settlePostgres(tail);
    expect(await bench.rows('SELECT * FROM event_pending')).toEqual([]);
    expect((await bench.events()).map((event) => event.subject)).toEqual(['t/a']);
  });
});
