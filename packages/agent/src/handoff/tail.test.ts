import { describe, expect, it } from 'vitest';
import { SqliteReader } from '../db/index.ts';
import { addChangelog, HandoffBench, settle } from './handoff.fixture.ts';
import { lagByPage } from './lag.ts';
import { sqliteHandoffQueries } from './queries.sqlite.ts';
import { tailContract, twoRows } from './tail.contract.ts';

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
      lagByPage: () => lagByPage(new SqliteReader(bench.govd), sqliteHandoffQueries, twoRows),
      refuse: async (object_key) => {
        bench.govd.exec(
          `CREATE TRIGGER refuse BEFORE INSERT ON event_pending WHEN NEW.object_key = '${object_key}' BEGIN SELECT RAISE(ABORT, 'refused'); END`,
        );
        return async () => void bench.govd.exec('DROP TRIGGER refuse');
      },
      fillLane: async () => {
        bench.govd.exec(
          `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
           INSERT INTO outbox (committed_at, event_count, events) SELECT 'then', 0, '[]' FROM n`,
        );
        return async () =>
          void bench.govd.exec(
            'INSERT INTO outbox_position (first_position, outbox_id, event_count) SELECT 1, max(outbox_id), 0 FROM outbox',
          );
      },
      [Symbol.asyncDispose]: async () => bench[Symbol.dispose](),
    };
  }, 25);
});

describe('either lane', () => {
  it('says how many rows a walk passes, also where most were read before: batches are sized by that', () => {
    using bench = new HandoffBench();
    bench.permit();
    addChangelog(bench, { rows: 30_000 }, 5_000);
    const tail = bench.tail();
    tail.start();
    settle(tail, 5_000);
    bench.govd.exec("UPDATE handoff_cursor SET walk_low = low_water - 100, walk_upto = low_water, walk_key = ''");
    const step = tail.step(5_000);
    expect(step).toMatchObject({ kind: 'applied', looked: 5_000 });
    expect(step.kind === 'applied' && step.rows).toBeLessThan(500);
  });

  it('proves to the end what it began to prove, without waiting for heartbeats', () => {
    using bench = new HandoffBench();
    bench.permit();
    addChangelog(bench, { rows: 4_000 }, 4_000);
    const tail = bench.tail();
    tail.start();
    while (tail.step(5_000).kind === 'applied');
    bench.clock.advance(6_000);
    // The clock stands still from here: no heartbeat is due.
    for (let step = tail.step(5_000); step.kind === 'idle' && step.proving === true; step = tail.step(5_000));
    const [cursor] = bench.rows("SELECT low_water, audited_upto FROM handoff_cursor WHERE source = 'registry_changelog'");
    expect(cursor).toEqual({ low_water: 4_000, audited_upto: 4_000 });
  });

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

describe('a source that changes under the tail', () => {
  const alarmOf = (bench: HandoffBench, source = 'birth_registry') => {
    const [row] = bench.rows<{ alarm: string | null }>(`SELECT alarm FROM handoff_cursor WHERE source = '${source}'`);
    return JSON.parse(row?.alarm ?? '{}') as { coverage?: string; detail?: string };
  };
  const running = () => {
    const bench = new HandoffBench();
    bench.permit();
    bench.add([born('t/a', at(1)), born('t/b', at(2))]);
    const tail = bench.tail();
    tail.start();
    settle(tail);
    return { bench, tail };
  };

  it('says pruned when it was emptied after everything was read', () => {
    const { bench, tail } = running();
    using _ = bench;
    bench.birthsHandle.exec('DELETE FROM birth_registry');
    bench.clock.advance(6_000);
    tail.step(10);
    expect(alarmOf(bench)).toMatchObject({ coverage: 'pruned', detail: expect.stringContaining('emptied') });
  });

  it('says drift when it was restored and went on past the cursor before anybody looked', () => {
    const { bench } = running();
    using _ = bench;
    bench.birthsHandle.exec('DELETE FROM birth_registry; DELETE FROM registry_changelog; DELETE FROM sqlite_sequence');
    bench.add([3, 4, 5, 6].map((second) => born(`t/${second}`, at(second))));
    bench.tail().start();
    expect(alarmOf(bench)).toMatchObject({ coverage: 'drift', detail: expect.stringContaining('given out again') });
  });

  it.each([
    ['a column', 'RENAME object_type TO kind', 'ALTER TABLE birth_registry RENAME kind TO object_type', /columns are missing: object_type/],
    ['its table', 'RENAME TO gone', 'ALTER TABLE gone RENAME TO birth_registry', /there is no table/],
  ])('says drift when it lost %s, and reads it again when that is back', (_name, lose, bring, detail) => {
    const { bench, tail } = running();
    using _ = bench;
    bench.birthsHandle.exec(`ALTER TABLE birth_registry ${lose}`);
    bench.birthsHandle.exec(`INSERT INTO registry_changelog (object_key, change, born_at) VALUES ('t/other', 'CHANGED', '${at(5)}')`);
    bench.clock.advance(6_000);
    settle(tail);
    expect(alarmOf(bench)).toMatchObject({ coverage: 'drift', detail: expect.stringMatching(detail) });
    // The changelog can be read without the column, and not without the table it is compared with.
    const read = bench.rows("SELECT 1 FROM governance_candidate_state WHERE object_key = 't/other'").length;
    expect(read).toBe(lose.includes('TO kind') ? 1 : 0);
    bench.birthsHandle.exec(bring);
    bench.add([born('t/c', at(6))]);
    bench.clock.advance(6_000);
    settle(tail);
    settle(tail);
    expect(bench.rows("SELECT 1 FROM governance_candidate_state WHERE object_key = 't/other'")).toHaveLength(1);
    expect(bench.lag()).toEqual({ births: 3, lag_rows: 0, unannounced_rows: 0 });
  });

  it('says drift at once when a statement needs what is gone', () => {
    const { bench, tail } = running();
    using _ = bench;
    bench.birthsHandle.exec('ALTER TABLE birth_registry RENAME object_type TO kind');
    bench.birthsHandle.exec(`INSERT INTO birth_registry (object_key, kind, born_at, permit_id) VALUES ('t/c', 'tables', '${at(5)}', 'p')`);
    settle(tail);
    expect(alarmOf(bench)).toMatchObject({ coverage: 'drift' });
  });

  it('captures a row that took the place of a removed one, far below the cursor', () => {
    const { bench, tail } = running();
    using _ = bench;
    bench.clock.advance(6_000);
    settle(tail);
    bench.birthsHandle.exec(`DELETE FROM birth_registry WHERE birth_id = 1;
      INSERT INTO birth_registry (birth_id, object_key, object_type, born_at, permit_id) VALUES (1, 't/by-hand', 'tables', '${at(9)}', 'p')`);
    expect(bench.lag().lag_rows).toBe(1);
    for (let round = 0; round < 4; round += 1) {
      bench.clock.advance(6_000);
      settle(tail);
    }
    expect(bench.lag().lag_rows).toBe(0);
    expect(bench.rows("SELECT object_type FROM governance_candidate_state WHERE object_key = 't/by-hand'")).toEqual([
      { object_type: 'tables' },
    ]);
  });

  it('finds the row that no statement takes in a large backlog too, which is walked in key order', () => {
    using bench = new HandoffBench();
    bench.permit();
    bench.govd.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON event_pending WHEN NEW.object_key = 't/00013' BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    for (let from = 0; from < 20_000; from += 5_000) {
      bench.add(Array.from({ length: 5_000 }, (_, serial) => born(`t/${String(from + serial).padStart(5, '0')}`, at(1))));
    }
    const tail = bench.tail();
    tail.start();
    settle(tail, 4_000);
    expect(bench.rows('SELECT DISTINCT object_key FROM handoff_quarantine')).toEqual([{ object_key: 't/00013' }]);
    expect(bench.lag()).toEqual({ births: 20_000, lag_rows: 1, unannounced_rows: 1 });
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

  it('beats at once when the clock was set back an hour, and says nothing of a silence', () => {
    using bench = new HandoffBench();
    const tail = bench.tail();
    tail.start();
    tail.step(10);
    bench.clock.advance(-3_600_000);
    tail.step(10);
    expect(bench.rows<{ last_poll_at: string }>('SELECT last_poll_at FROM handoff_cursor')[0]?.last_poll_at).toBe(bench.clock.now());
    expect(bench.events()).toEqual([]);
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
