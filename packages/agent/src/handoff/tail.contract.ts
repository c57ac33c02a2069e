import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pace } from '../audit/pace.ts';
import type { AdmittedLine } from './birth-admission.ts';
import type { Tail } from './tail-port.ts';

/** The pace of a proof that is read two rows at a time. */
export const twoRows: Pace = { rows: () => 2, rest: async () => {} };

type Lag = { births: number; lag_rows: number; unannounced_rows: number };

/** Births, governance and one tail of a store, as the contract drives and looks at them. */
/** A tail and its tables. */
export type TailScene = AsyncDisposable & {
  readonly tail: Tail;
  add(lines: readonly AdmittedLine[]): Promise<void>;
  /** Anything, as whoever owns all tables; those of births are `births.<table>`. */
  exec(sql: string): Promise<void>;
  rows<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** The next step finds its heartbeat due. */
  wait(): Promise<void>;
  /** Forgets what was read, so that everything is read again. */
  rewind(): Promise<void>;
  lag(): Promise<Lag | undefined>;
};

export type TailBench = TailScene & {
  /** From now on no statement takes births of this object, whatever is wrong with it; the answer ends that. */
  refuse(object_key: string): Promise<() => Promise<void>>;
  /** The dispatcher stands still with all the rows it may be behind; the answer lets it go on. */
  fillLane(): Promise<() => Promise<void>>;
  /** The same as `lag`, two rows at a time. */
  lagByPage(): Promise<Lag>;
};

/** What the proof says, in one statement and page by page. */
async function lagOf(bench: TailBench): Promise<Lag | undefined> {
  const whole = await bench.lag();
  expect(await bench.lagByPage()).toEqual(whole);
  return whole;
}

type Events = { type: string; subject: string; time: string; data: Record<string, unknown> }[];

async function eventsOf(bench: TailBench): Promise<Events> {
  const rows = await bench.rows<{ events: string }>('SELECT events FROM outbox ORDER BY outbox_id');
  return rows.flatMap((row) => JSON.parse(row.events));
}

/** Everything governance holds of births, except the moments at which it learnt of them. */
async function stateOf(bench: TailBench) {
  return {
    candidates: await bench.rows(
      'SELECT object_key, object_type, state, dirty, born_at, retired_at, changelog_id FROM governance_candidate_state ORDER BY 1',
    ),
    pending: await bench.rows('SELECT event_type, object_key, born_at FROM event_pending ORDER BY 1, 2, 3'),
    emitted: await bench.rows('SELECT event_type, object_key, born_at FROM handoff_emitted ORDER BY 1, 2, 3'),
    events: (await eventsOf(bench)).map((event) => `${event.subject} ${String(event.data.born_at)}`).sort(),
  };
}

/** Steps until nothing is left. */
async function settleTail(tail: Tail, rows = 500): Promise<number> {
  let applied = 0;
  for (let step = await tail.step(rows); step.kind === 'applied'; step = await tail.step(rows)) applied += step.rows;
  return applied;
}

const at = (second: number, micro = 0) => `2026-11-20T10:00:${String(second).padStart(2, '0')}.${String(micro).padStart(6, '0')}Z`;
const line = (change: 'BORN' | 'CHANGED' | 'RETIRED', object_key: string, born_at: string, object_type = 'tables') => ({
  change,
  object_key,
  object_type,
  born_at,
});
const born = (object_key: string, born_at: string, object_type?: string) => line('BORN', object_key, born_at, object_type);
const changed = (object_key: string, born_at: string) => line('CHANGED', object_key, born_at);
const retired = (object_key: string, born_at: string) => line('RETIRED', object_key, born_at);
const activate = "UPDATE event_type_registry SET active = 1 WHERE event_type = 'handoff.object_born'";

/** What a tail makes of births, whatever store it reads and writes. */
export function tailContract(open: () => Promise<TailBench>, numRuns: number): void {
  const candidate = async (bench: TailBench, key: string) =>
    (await bench.rows(`SELECT * FROM governance_candidate_state WHERE object_key = '${key}'`))[0];

  describe('what a batch does', () => {
    it('captures a birth once, though it stands in registry and changelog, and keeps its microseconds', async () => {
      await using bench = await open();
      await bench.add([born('t/a', at(1, 1))]);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/a')).toMatchObject({ object_type: 'tables', state: 'captured', dirty: 1, born_at: at(1, 1) });
      expect(await bench.rows('SELECT object_key, born_at FROM event_pending')).toEqual([{ object_key: 't/a', born_at: at(1, 1) }]);
      expect(await eventsOf(bench)).toEqual([]);
      expect(await lagOf(bench)).toEqual({ births: 1, lag_rows: 0, unannounced_rows: 0 });
    });

    it('emits to the outbox when the type is active, as complete event drafts in key order', async () => {
      await using bench = await open();
      await bench.exec(activate);
      await bench.add([born('t/b', at(1)), born("t/a'\\:x", at(2))]);
      await settleTail(bench.tail);
      expect(await eventsOf(bench)).toEqual(
        [born("t/a'\\:x", at(2)), born('t/b', at(1))].map(({ object_key, object_type, born_at }) => ({
          type: 'handoff.object_born',
          subject: object_key,
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          tenant_id: 'default',
          dataset_id: null,
          layer: null,
          run_id: null,
          environment: 'local_parity',
          data: { object_key, object_type, born_at },
        })),
      );
      expect(await bench.rows('SELECT sum(event_count) AS n FROM outbox')).toEqual([{ n: 2 }]);
      expect(await bench.rows('SELECT * FROM event_pending')).toEqual([]);
      expect((await lagOf(bench))?.unannounced_rows).toBe(0);
    });

    it('marks CHANGED dirty again after somebody cleaned it, and not when the same row comes again', async () => {
      await using bench = await open();
      await bench.add([born('t/a', at(1)), changed('t/a', at(2))]);
      await settleTail(bench.tail);
      await bench.exec('UPDATE governance_candidate_state SET dirty = 0');
      await bench.rewind();
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/a')).toMatchObject({ dirty: 0 });
      await bench.add([changed('t/a', at(3))]);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/a')).toMatchObject({ dirty: 1, retired_at: null });
      expect(await bench.rows('SELECT * FROM event_pending')).toHaveLength(1);
    });

    it('retires without an event, and a later birth is a new incarnation that must be activated again', async () => {
      await using bench = await open();
      await bench.add([born('t/a', at(1)), retired('t/a', at(2))]);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/a')).toMatchObject({ retired_at: at(2), born_at: at(1) });
      await bench.exec("UPDATE governance_candidate_state SET state = 'activated', dirty = 0, activated_at = 'x', decision_ref = 'y'");
      await bench.add([born('t/a', at(3))]);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/a')).toMatchObject({
        state: 'captured',
        dirty: 1,
        born_at: at(3),
        activated_at: null,
        decision_ref: null,
      });
      expect(await bench.rows('SELECT * FROM event_pending')).toHaveLength(2);
    });

    it('holds an object that only changes are known of, and learns its type when the birth comes', async () => {
      await using bench = await open();
      await bench.add([changed('t/a', at(5))]);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/a')).toMatchObject({ object_type: null, born_at: null, dirty: 1 });
      await bench.add([born('t/a', at(1))]);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/a')).toMatchObject({ object_type: 'tables', born_at: at(1) });
    });

    it('takes a birth that stands only in the changelog', async () => {
      await using bench = await open();
      await bench.exec(`INSERT INTO births.registry_changelog (object_key, change, born_at) VALUES ('t/x', 'BORN', '${at(1)}')`);
      expect(await lagOf(bench)).toEqual({ births: 1, lag_rows: 1, unannounced_rows: 1 });
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/x')).toMatchObject({ object_type: null, born_at: at(1) });
      expect(await lagOf(bench)).toEqual({ births: 1, lag_rows: 0, unannounced_rows: 0 });
    });
  });

  it('drains what was captured in key order, then later births; each exactly once', async () => {
    await using bench = await open();
    await bench.add([born('t/c', at(1)), born('t/a', at(2)), born('t/b', at(3))]);
    await settleTail(bench.tail);
    await bench.exec(activate);
    await bench.add([born('t/0', at(4)), born('t/a', at(5))]);
    await settleTail(bench.tail, 2);
    expect((await eventsOf(bench)).map((event) => [event.subject, event.data.born_at])).toEqual([
      ['t/a', at(2)],
      ['t/b', at(3)],
      ['t/c', at(1)],
      ['t/0', at(4)],
      ['t/a', at(5)],
    ]);
    expect(await bench.rows('SELECT * FROM event_pending')).toEqual([]);
    expect(await lagOf(bench)).toEqual({ births: 5, lag_rows: 0, unannounced_rows: 0 });
  });

  it('ends, in any order and any batch size, in the state the registry says, announces each birth once, and a second run changes nothing', async () => {
    const draft = fc.record({
      change: fc.constantFrom('BORN' as const, 'CHANGED' as const, 'RETIRED' as const),
      object_key: fc.constantFrom(...['a', 'b', 'c', 'd', 'e'].map((name) => `t/${name}`)),
      micro: fc.integer({ min: 0, max: 40 }),
    });
    const run = async (
      drafts: readonly { change: 'BORN' | 'CHANGED' | 'RETIRED'; object_key: string; micro: number }[],
      batch: number,
      activateAt: number,
      pauses: readonly number[],
    ) => {
      await using bench = await open();
      const lines = drafts.map(({ change, object_key, micro }) => line(change, object_key, at(1, micro)));
      for (const [index, each] of lines.entries()) {
        if (index === activateAt) await bench.exec(activate);
        await bench.add([each]);
        for (let steps = pauses[index % Math.max(1, pauses.length)] ?? 0; steps > 0; steps -= 1) await bench.tail.step(batch);
      }
      await settleTail(bench.tail, batch);

      const births = new Set(lines.filter((each) => each.change === 'BORN').map((each) => `${each.object_key} ${each.born_at}`));
      const state = await stateOf(bench);
      for (const key of new Set(lines.map((each) => each.object_key))) {
        const times = (change: string) =>
          lines
            .filter((each) => each.object_key === key && each.change === change)
            .map((each) => each.born_at)
            .sort();
        expect(state.candidates.find((row) => row.object_key === key)).toMatchObject({
          born_at: times('BORN').at(-1) ?? null,
          retired_at: times('RETIRED').at(-1) ?? null,
          dirty: 1,
          state: 'captured',
        });
      }
      expect(state.pending.length + state.emitted.length).toBe(births.size);
      expect(new Set(state.events).size).toBe(state.events.length);
      expect(state.events.length).toBe(state.emitted.length);
      expect(await lagOf(bench)).toEqual({ births: births.size, lag_rows: 0, unannounced_rows: 0 });
      await bench.rewind();
      await settleTail(bench.tail, batch + 1);
      expect(await stateOf(bench)).toEqual(state);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(draft, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 0, max: 60 }),
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 20 }),
        run,
      ),
      { numRuns },
    );
  });

  describe('poison and holes', () => {
    it('quarantines a row it cannot apply, stops only its object, and counts it as lag', async () => {
      await using bench = await open();
      await bench.exec(
        `INSERT INTO births.birth_registry (object_key, object_type, born_at, permit_id) VALUES ('t/bad', 'tables', 'yesterday', 'p'), ('t/bad', 'tables', '${at(2)}', 'p')`,
      );
      await bench.add([born('t/good', at(1))]);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/good')).toBeDefined();
      expect(await candidate(bench, 't/bad')).toBeUndefined();
      expect(await bench.rows('SELECT id, object_key, error FROM handoff_quarantine ORDER BY id')).toEqual([
        { id: 1, object_key: 't/bad', error: expect.stringContaining('born_at') },
        { id: 2, object_key: 't/bad', error: expect.stringContaining('behind a quarantined row') },
      ]);
      expect((await lagOf(bench))?.lag_rows).toBe(2);
      // Quarantined rows are no holes: nothing is applied for them however often they are looked at.
      await bench.wait();
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/bad')).toBeUndefined();
    });

    it('finds a candidate that somebody deleted, and restores it with its retirement', async () => {
      await using bench = await open();
      await bench.add([born('t/a', at(1)), retired('t/a', at(2)), born('t/b', at(3))]);
      await settleTail(bench.tail);
      await bench.wait();
      await bench.tail.step(10);
      await bench.exec("DELETE FROM governance_candidate_state WHERE object_key = 't/a'");
      expect((await lagOf(bench))?.lag_rows).toBe(1);
      for (let round = 0; round < 4; round += 1) {
        await bench.wait();
        await settleTail(bench.tail);
      }
      expect(await lagOf(bench)).toEqual({ births: 2, lag_rows: 0, unannounced_rows: 0 });
      expect(await candidate(bench, 't/a')).toMatchObject({ born_at: at(1), retired_at: at(2) });
      expect(await bench.rows('SELECT * FROM event_pending')).toHaveLength(2);
    });

    it('finds an event that somebody deleted', async () => {
      await using bench = await open();
      await bench.add([born('t/a', at(1))]);
      await settleTail(bench.tail);
      await bench.exec('DELETE FROM event_pending');
      expect(await lagOf(bench)).toEqual({ births: 1, lag_rows: 0, unannounced_rows: 1 });
      for (let round = 0; round < 4; round += 1) {
        await bench.wait();
        await settleTail(bench.tail);
      }
      expect(await lagOf(bench)).toEqual({ births: 1, lag_rows: 0, unannounced_rows: 0 });
    });
  });

  const asideOf = (bench: TailBench) =>
    bench.rows('SELECT source, id, object_key, waits, attempts, resolution FROM handoff_quarantine ORDER BY source, id');
  const poison = (object_key: string, born_at: string) =>
    `INSERT INTO births.birth_registry (object_key, object_type, born_at, permit_id) VALUES ('${object_key}', 'tables', '${born_at}', 'p')`;
  const ask = "UPDATE handoff_quarantine SET retry_asked_at = 'now' WHERE resolved_at IS NULL";

  describe('rows that stand aside', () => {
    it('are tried again in order, fail again where nothing was mended, and are applied with what waited where it was', async () => {
      await using bench = await open();
      await bench.exec(poison('t/bad', 'yesterday'));
      await bench.exec(poison('t/bad', at(2)));
      await bench.add([changed('t/bad', at(3))]);
      await settleTail(bench.tail);
      await bench.exec(ask);
      await settleTail(bench.tail);
      const held = (row: object) => ({ object_key: 't/bad', resolution: null, ...row });
      expect(await asideOf(bench)).toEqual([
        held({ source: 'birth_registry', id: 1, waits: 0, attempts: 2 }),
        held({ source: 'birth_registry', id: 2, waits: 1, attempts: 1 }),
        held({ source: 'registry_changelog', id: 1, waits: 1, attempts: 1 }),
      ]);
      expect(await bench.rows('SELECT retry_asked_at FROM handoff_quarantine WHERE retry_asked_at IS NOT NULL')).toEqual([]);
      await bench.exec(`UPDATE births.birth_registry SET born_at = '${at(1)}' WHERE birth_id = 1`);
      await bench.exec(ask);
      await settleTail(bench.tail);
      expect((await asideOf(bench)).map((row) => row.resolution)).toEqual(['retried', 'released', 'released']);
      expect(await candidate(bench, 't/bad')).toMatchObject({ object_type: 'tables', born_at: at(2), dirty: 1 });
      expect(await bench.rows('SELECT born_at FROM event_pending ORDER BY 1')).toEqual([{ born_at: at(1) }, { born_at: at(2) }]);
      expect(await lagOf(bench)).toEqual({ births: 2, lag_rows: 0, unannounced_rows: 0 });
      // The object is free: what comes next waits for nothing.
      await bench.add([retired('t/bad', at(9))]);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/bad')).toMatchObject({ retired_at: at(9) });
    });

    it('are found by bisecting where only the statement knows, keep their object waiting, and the tail goes on', async () => {
      await using bench = await open();
      const allow = await bench.refuse('t/7');
      await bench.add(Array.from({ length: 20 }, (_, serial) => born(`t/${serial}`, at(1, serial))));
      await settleTail(bench.tail);
      await bench.add([born('t/7', at(2)), born('t/20', at(2))]);
      await settleTail(bench.tail);
      expect((await asideOf(bench)).map((row) => [row.source, row.object_key, row.waits])).toEqual([
        ['birth_registry', 't/7', 0],
        ['birth_registry', 't/7', 1],
        ['registry_changelog', 't/7', 1],
        ['registry_changelog', 't/7', 1],
      ]);
      expect(await lagOf(bench)).toEqual({ births: 22, lag_rows: 2, unannounced_rows: 2 });
      await bench.exec(ask);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/7')).toBeUndefined();
      expect((await bench.rows<{ attempts: number }>('SELECT max(attempts) AS attempts FROM handoff_quarantine'))[0]?.attempts).toBe(2);
      await allow();
      await bench.exec(ask);
      await settleTail(bench.tail);
      expect(await candidate(bench, 't/7')).toMatchObject({ born_at: at(2) });
      expect(await lagOf(bench)).toEqual({ births: 22, lag_rows: 0, unannounced_rows: 0 });
    });

    it('free their object when they are discarded, are no lag then, and are never applied, however often everything is read again', async () => {
      await using bench = await open();
      await bench.exec(poison('t/bad', 'yesterday'));
      await bench.exec(poison('t/bad', at(2)));
      await settleTail(bench.tail);
      await bench.exec("UPDATE handoff_quarantine SET resolved_at = 'now', resolution = 'discarded' WHERE waits = 0");
      // Nobody asked: the tail finds that they wait behind nothing.
      await bench.wait();
      await settleTail(bench.tail);
      await settleTail(bench.tail);
      expect((await asideOf(bench)).map((row) => row.resolution)).toEqual(['discarded', 'released']);
      expect(await candidate(bench, 't/bad')).toMatchObject({ born_at: at(2) });
      expect(await lagOf(bench)).toEqual({ births: 1, lag_rows: 0, unannounced_rows: 0 });
      await bench.rewind();
      for (let round = 0; round < 3; round += 1) {
        await settleTail(bench.tail);
        await bench.wait();
      }
      expect((await asideOf(bench)).map((row) => row.resolution)).toEqual(['discarded', 'released']);
      expect(await bench.rows('SELECT born_at FROM event_pending')).toEqual([{ born_at: at(2) }]);
    });
  });

  it('reads nothing while an operator paused it, but lives; and everything when it is resumed', async () => {
    await using bench = await open();
    await settleTail(bench.tail);
    await bench.exec("UPDATE handoff_cursor SET paused_at = 'then', paused_by = 'HUMAN::ada', pause_reason = 'r'");
    await bench.add([born('t/a', at(1))]);
    const [before] = await bench.rows<{ last_poll_at: string }>('SELECT min(last_poll_at) AS last_poll_at FROM handoff_cursor');
    await bench.wait();
    for (let round = 0; round < 3; round += 1) expect(await bench.tail.step(10)).toEqual({ kind: 'paused' });
    expect(await lagOf(bench)).toMatchObject({ births: 1, lag_rows: 1 });
    const [beaten] = await bench.rows<{ last_poll_at: string }>('SELECT min(last_poll_at) AS last_poll_at FROM handoff_cursor');
    expect(String(beaten?.last_poll_at) > String(before?.last_poll_at)).toBe(true);
    await bench.exec('UPDATE handoff_cursor SET paused_at = NULL');
    await settleTail(bench.tail);
    expect(await lagOf(bench)).toMatchObject({ births: 1, lag_rows: 0 });
  });

  it('captures while the lane is full, never stops, and delivers in key order when there is room', async () => {
    await using bench = await open();
    await bench.exec(activate);
    const empty = await bench.fillLane();
    await bench.add([born('t/b', at(1)), born('t/a', at(2))]);
    await settleTail(bench.tail);
    expect(await bench.rows('SELECT object_key FROM event_pending ORDER BY 1')).toEqual([{ object_key: 't/a' }, { object_key: 't/b' }]);
    expect(await lagOf(bench)).toEqual({ births: 2, lag_rows: 0, unannounced_rows: 0 });
    expect(await bench.tail.step(10)).toEqual({ kind: 'idle' });
    await empty();
    await settleTail(bench.tail);
    expect((await eventsOf(bench)).map((event) => event.subject)).toEqual(['t/a', 't/b']);
    expect(await bench.rows('SELECT * FROM event_pending')).toEqual([]);
  });

  describe('a source that is not what was read', () => {
    it('says drift when the newest row that was read is another one now, however far the ids went on', async () => {
      await using bench = await open();
      await bench.add([born('t/a', at(1)), born('t/b', at(2))]);
      for (let round = 0; round < 3; round += 1) await settleTail(bench.tail);
      await bench.exec("UPDATE births.birth_registry SET object_key = 't/other' WHERE birth_id = 2");
      await bench.add([born('t/c', at(3))]);
      await settleTail(bench.tail);
      const [cursor] = await bench.rows<{ alarm: string }>("SELECT alarm FROM handoff_cursor WHERE source = 'birth_registry'");
      expect(JSON.parse(cursor?.alarm ?? '{}')).toMatchObject({ coverage: 'drift', detail: expect.stringContaining('row 2 is t/other') });
    });
  });
}
