import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TailScene } from '../tail.contract.ts';

export type SweepBench = TailScene & {
  /** What the journal runs when an operator activates the type, or deactivates it; false where it was so already. */
  turn(active: boolean): Promise<boolean>;
};

const keys = ['t/a', 't/b', 't/c', 't/d'];
const moment = (count: number) => `2026-11-20T10:00:00.${String(count).padStart(6, '0')}Z`;
const birth = (object_key: string, count: number) => ({
  change: 'BORN' as const,
  object_key,
  object_type: 'tables',
  born_at: moment(count),
});

async function settle(bench: TailScene, rows: number): Promise<void> {
  for (let step = await bench.tail.step(rows); step.kind === 'applied'; step = await bench.tail.step(rows));
}

/** Each birth was announced once, none waits, and those of an object in the order in which it was born. */
async function everythingIsOut(bench: TailScene, births: number): Promise<void> {
  expect(await bench.rows('SELECT * FROM event_pending')).toEqual([]);
  const rows = await bench.rows<{ events: string }>('SELECT events FROM outbox ORDER BY outbox_id');
  const told = rows.flatMap((row) => JSON.parse(row.events) as { subject: string; data: { born_at: string } }[]);
  expect(told).toHaveLength(births);
  for (const key of keys) {
    const moments = told.filter(({ subject }) => subject === key).map(({ data }) => data.born_at);
    expect(moments).toEqual([...new Set(moments)].toSorted());
  }
  expect(await bench.lag()).toMatchObject({ births, lag_rows: 0, unannounced_rows: 0 });
}

/** Delivery is turned on and off while births go on, whatever the store. */
export function sweepContract(open: () => Promise<SweepBench>, numRuns: number): void {
  it('strands no captured event and keeps the order of each object, however activation falls between births and batches', async () => {
    const act = fc.oneof(
      { weight: 5, arbitrary: fc.record({ act: fc.constant('birth' as const), key: fc.constantFrom(...keys) }) },
      { weight: 3, arbitrary: fc.record({ act: fc.constant('step' as const), rows: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 1, arbitrary: fc.record({ act: fc.constant('turn' as const), on: fc.boolean() }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 60 }), async (acts) => {
        await using bench = await open();
        let births = 0;
        for (const one of acts) {
          if (one.act === 'birth') await bench.add([birth(one.key, ++births)]);
          else if (one.act === 'step') await bench.tail.step(one.rows);
          else await bench.turn(one.on);
        }
        await bench.turn(true);
        await settle(bench, 3);
        await everythingIsOut(bench, births);
      }),
      { numRuns },
    );
  });

  it('does so too while births, batches and activations really run at the same time', async () => {
    await using bench = await open();
    let births = 0;
    let writing = true;
    const pause = () => new Promise((resolve) => setTimeout(resolve, 1));
    const write = async () => {
      for (let round = 0; round < 15; round += 1) {
        await bench.add(keys.map((key) => birth(key, ++births)));
        await pause();
      }
      writing = false;
    };
    const tail = async () => {
      while (writing) {
        await bench.tail.step(5);
        await pause();
      }
    };
    const turn = async () => {
      for (let on = true; writing; on = !on) {
        await bench.turn(on);
        await pause();
      }
    };
    await Promise.all([write(), tail(), turn()]);
    await bench.turn(true);
    await settle(bench, 50);
    await everythingIsOut(bench, births);
  });

  it('captures again after a deactivation, and delivers that too when it is activated again', async () => {
    await using bench = await open();
    expect([await bench.turn(true), await bench.turn(true)]).toEqual([true, false]);
    await bench.add([birth('t/a', 1)]);
    await settle(bench, 10);
    expect([await bench.turn(false), await bench.turn(false)]).toEqual([true, false]);
    await bench.add([birth('t/a', 2)]);
    await settle(bench, 10);
    expect(await bench.rows('SELECT object_key, born_at FROM event_pending')).toEqual([{ object_key: 't/a', born_at: moment(2) }]);
    await bench.turn(true);
    await settle(bench, 10);
    await everythingIsOut(bench, 2);
  });
}
