import { describe, expect, it } from 'vitest';
import { addChangelog, HandoffBench, settle } from './handoff.fixture.ts';
import { tailContract } from './tail.contract.ts';

const at = (second: number, micro = 0) => `2026-11-20T10:00:${String(second).padStart(2, '0')}.${String(micro).padStart(6, '0')}Z`;
const born = (object_key: string, born_at: string, object_type = 'tables') => ({
  change: 'BORN' as const,
  object_key,
  object_type,
  born_at,
});
const changed = (object_key: string, born_at: string) => ({ change: 'CHANGED' as const, object_key, object_type: 'tables', born_at });

describe('the tail on SQLite', () => {
  tailContract(async () => {
    const bench = new HandoffBench();
    bench.permit();
    const tail = bench.tail();
    tail.start();
    return {
      tail,
      add: async (lines) => bench.add(lines),
      // The connection of governance cannot write births.
      exec: async (sql) => void (sql.includes('births.') ? bench.birthsHandle.exec(sql.replaceAll('births.', '')) : bench.govd.exec(sql)),
      rows: async <Row>(sql: string) => bench.rows<Row>(sql),
      wait: async () => bench.clock.advance(6_000),
      rewind: async () => void bench.govd.exec('UPDATE handoff_cursor SET low_water = 0, audited_upto = 0'),
      lag: async () => bench.lag(),
      [Symbol.asyncDispose]: async () => bench[Symbol.dispose](),
    };
  }, 25);
});

describe('either lane', () => {
  it('walks a large backlog in key order to the same state as arrival order', () => {
    using byKey = new HandoffBench();
    using byArrival = new HandoffBench();
    for (const bench of [byKey, byArrival]) bench.permit();
    const rows = 30_000;
    addChangelog(byKey, { rows }, 5_000);
    const tails = [byKey.tail(), byArrival.tail()] as const;
    for (const tail of tails) tail.start();
    let walked = 0;
    for (let step = tails[0].step(900); step.kind === 'applied'; step = tails[0].step(900)) {
      walked += byKey.rows('SELECT 1 FROM handoff_cursor WHERE walk_upto IS NOT NULL').length > 0 ? 1 : 0;
    }
    addChangelog(byArrival, { rows: 15_000 }, 5_000);
    settle(tails[1], 4_000);
    const rest = [...byKey.rows<{ n: number }>('SELECT count(*) AS n FROM births.registry_changelog')];
    expect(rest[0]?.n).toBe(rows);
    // The other half arrives later, so that no backlog is ever large enough to be walked.
    addChangelogFrom(byArrival, rows, 15_000);
    settle(tails[1], 4_000);
    expect(walked).toBeGreaterThan(5);
    expect(byKey.state()).toEqual(byArrival.state());
    expect(byKey.lag()).toMatchObject({ lag_rows: 0, unannounced_rows: 0 });
  });
});

function addChangelogFrom(bench: HandoffBench, rows: number, from: number): void {
  using other = new HandoffBench();
  other.permit();
  const lines = addChangelog(other, { rows }, 5_000);
  for (let start = from; start < rows; start += 5_000) bench.add(lines.slice(start, start + 5_000));
}

describe('one tail at a time', () => {
  it('fences off whoever held the cursors: a paused tail that wakes up commits nothing', () => {
    using bench = new HandoffBench();
    bench.permit();
    const [first, second] = [bench.tail('first'), bench.tail('second')];
    first.start();
    bench.add([born('t/a', at(1))]);
    second.start();
    expect(first.step(10)).toEqual({ kind: 'fenced' });
    expect(bench.lag().lag_rows).toBe(1);
    expect(bench.rows('SELECT last_poll_at FROM handoff_cursor WHERE last_poll_at IS NOT NULL')).toEqual([]);
    settle(second);
    expect(bench.lag().lag_rows).toBe(0);
  });
});

describe('a source that cannot be trusted', () => {
  it('says drift when the registry was restored behind the cursor, and reads everything again once an operator resumed', () => {
    using bench = new HandoffBench();
    bench.permit();
    bench.add([born('t/a', at(1)), born('t/b', at(2))]);
    const tail = bench.tail();
    tail.start();
    settle(tail);
    bench.birthsHandle.exec('DELETE FROM birth_registry; DELETE FROM registry_changelog; DELETE FROM sqlite_sequence');
    bench.add([born('t/c', at(3))]);
    tail.step(10);
    bench.clock.advance(6_000);
    tail.step(10);
    expect(bench.rows<{ alarm: string }>('SELECT alarm FROM handoff_cursor').map((row) => JSON.parse(row.alarm).coverage)).toEqual([
      'drift',
      'drift',
    ]);
    expect(bench.lag().lag_rows).toBe(1);
  });

  it('says drift at the start when ids can be given out twice', () => {
    using bench = new HandoffBench();
    bench.birthsHandle.exec(
      `DROP TABLE registry_changelog;
       CREATE TABLE registry_changelog (id INTEGER PRIMARY KEY, object_key TEXT, change TEXT, born_at TEXT, payload TEXT)`,
    );
    bench.tail().start();
    const alarm = bench.rows<{ alarm: string }>("SELECT alarm FROM handoff_cursor WHERE source = 'registry_changelog'")[0]?.alarm;
    expect(alarm).toMatch(/"coverage":"drift".*AUTOINCREMENT/);
  });

  it.each([10, 100_000])('says pruned when rows were removed before they were read (batches of %i)', (rows) => {
    using bench = new HandoffBench();
    bench.permit();
    bench.add([1, 2, 3, 4, 5].map((second) => changed('t/a', at(second))));
    bench.birthsHandle.exec('DELETE FROM registry_changelog WHERE id IN (2, 3)');
    const tail = bench.tail();
    tail.start();
    settle(tail, rows);
    const alarm = bench.rows<{ alarm: string }>("SELECT alarm FROM handoff_cursor WHERE source = 'registry_changelog'")[0]?.alarm;
    expect(JSON.parse(alarm ?? '{}')).toMatchObject({ coverage: 'pruned', detail: expect.stringContaining('2 of the rows') });
  });
});

it('walks nothing again for rows that are quarantined', () => {
  using bench = new HandoffBench();
  bench.birthsHandle.exec(
    "INSERT INTO birth_registry (object_key, object_type, born_at, permit_id) VALUES ('t/bad', 'tables', 'yesterday', 'p')",
  );
  const tail = bench.tail();
  tail.start();
  settle(tail);
  bench.clock.advance(6_000);
  tail.step(10);
  expect(bench.rows('SELECT 1 FROM handoff_cursor WHERE walk_upto IS NOT NULL')).toEqual([]);
});

describe('births among others', () => {
  const candidate = (bench: HandoffBench, object_key: string) =>
    bench.govd.prepare('SELECT * FROM governance_candidate_state WHERE object_key = ?').get(object_key);

  // The survey leaves births out that the registry told of in the same transaction; these stand among them.
  it.each(['arrival', 'key'] as const)(
    'captures births that only the changelog has, and finds its faults, among told ones (%s)',
    (lane) => {
      using bench = new HandoffBench();
      bench.permit();
      const births = Array.from({ length: 20 }, (_, serial) => born(`t/${serial}`, at(1, serial)));
      bench.add(births);
      bench.birthsHandle.exec(
        `INSERT INTO registry_changelog (object_key, change, born_at) VALUES
         ('t/7', 'BORN', '${at(2)}'), ('t/alone', 'BORN', '${at(3)}'), ('t/bad', 'BORN', 'yesterday'), ('t/bad', 'CHANGED', '${at(4)}')`,
      );
      if (lane === 'key') bench.govd.exec("UPDATE handoff_cursor SET walk_low = 0, walk_upto = 24, walk_key = ''");
      const tail = bench.tail();
      tail.start();
      settle(tail, 100);
      expect(candidate(bench, 't/7')).toMatchObject({ object_type: 'tables', born_at: at(2) });
      expect(candidate(bench, 't/alone')).toMatchObject({ object_type: null, born_at: at(3) });
      expect(candidate(bench, 't/bad')).toBeUndefined();
      expect(bench.rows('SELECT id FROM handoff_quarantine ORDER BY id')).toEqual([{ id: 23 }, { id: 24 }]);
      expect(bench.rows('SELECT count(*) AS n FROM event_pending')).toEqual([{ n: 22 }]);
    },
  );

  it('captures what only the changelog has when nothing is at fault', () => {
    using bench = new HandoffBench();
    bench.permit();
    bench.add([born('t/a', at(1)), born('t/b', at(2))]);
    bench.birthsHandle.exec(`INSERT INTO registry_changelog (object_key, change, born_at) VALUES ('t/a', 'BORN', '${at(3)}')`);
    const tail = bench.tail();
    tail.start();
    settle(tail, 100);
    expect(candidate(bench, 't/a')).toMatchObject({ born_at: at(3) });
    expect(bench.rows('SELECT object_key, born_at FROM event_pending')).toHaveLength(3);
    expect(bench.lag()).toEqual({ births: 3, lag_rows: 0, unannounced_rows: 0 });
  });
});

describe('heartbeat', () => {
  it('beats while idle, and tells of a silence once, when it is over', () => {
    using bench = new HandoffBench();
    const tail = bench.tail();
    tail.start();
    tail.step(10);
    bench.clock.advance(6_000);
    tail.step(10);
    expect(bench.rows<{ last_poll_at: string }>('SELECT last_poll_at FROM handoff_cursor')[0]?.last_poll_at).toBe(bench.clock.now());
    expect(bench.events()).toEqual([]);
    bench.clock.advance(31_000);
    tail.step(10);
    bench.clock.advance(6_000);
    tail.step(10);
    expect(bench.events().map((event) => event.type)).toEqual(['handoff.stale', 'handoff.recovered']);
  });
});

describe('births and governance are apart', () => {
  it('cannot write births from the connection of the tail', () => {
    using bench = new HandoffBench();
    bench.permit();
    bench.add([born('t/a', at(1))]);
    for (const sql of [
      'DELETE FROM births.birth_registry',
      "UPDATE births.registry_changelog SET change = 'RETIRED'",
      'DELETE FROM births.birth_permit',
    ]) {
      expect(() => bench.govd.exec(sql)).toThrow('governance never writes births');
    }
  });

  it('registers births while a batch of the tail is open and holds the lock of govd.db', () => {
    using bench = new HandoffBench();
    bench.permit();
    bench.add([born('t/a', at(1))]);
    bench.birthsHandle.pragma('busy_timeout = 0');
    bench.govd.exec('BEGIN');
    bench.govd.exec("UPDATE handoff_cursor SET holder = 'x'");
    bench.rows('SELECT * FROM births.birth_registry');
    bench.add([born('t/b', at(2))]);
    bench.govd.exec('COMMIT');
    expect(bench.lag()).toMatchObject({ births: 2 });
  });
});
