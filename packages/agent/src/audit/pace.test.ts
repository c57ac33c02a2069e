import { describe, expect, it } from 'vitest';
import type { Database, Query } from '../db/index.ts';
import { askedGait, eachPage, paced, periodicGait } from './pace.ts';

/** A pace whose pauses are told instead of made. */
function toldPace(busy: boolean, gait: typeof askedGait | typeof periodicGait) {
  const pauses: number[] = [];
  return { pauses, pace: paced({ busy: () => busy, gait, pause: async (ms) => void pauses.push(ms) }) };
}

describe('the pace of a reconciliation', () => {
  it('reads little at a time and rests long while others are served', async () => {
    const { pace, pauses } = toldPace(true, periodicGait);
    // A row takes a fiftieth of a millisecond: twenty-five are what a page may take.
    for (let page = 0; page < 20; page += 1) await pace.rest(pace.rows(), pace.rows() / 50);
    expect(pace.rows()).toBeGreaterThanOrEqual(23);
    expect(pace.rows()).toBeLessThanOrEqual(27);
    expect(pauses.at(-1)).toBeGreaterThan(0.45 * 60);
  });

  it('has the thread to itself where somebody asked and nobody else is there', async () => {
    const { pace, pauses } = toldPace(false, askedGait);
    for (let page = 0; page < 20; page += 1) await pace.rest(pace.rows(), pace.rows() / 10);
    expect(pace.rows()).toBeGreaterThan(90);
    expect(pauses.every((ms) => ms === 0)).toBe(true);
  });

  it('never reads everything at once, and always something', async () => {
    const slow = toldPace(true, askedGait).pace;
    await slow.rest(4, 60_000);
    expect(slow.rows()).toBe(4);
    const fast = toldPace(false, askedGait).pace;
    for (let page = 0; page < 50; page += 1) await fast.rest(1000, 0);
    expect(fast.rows()).toBe(1000);
  });
});

it('says at each rest that it goes on, and ends there when it is told to', async () => {
  const ending = new AbortController();
  const said: string[] = [];
  const pace = paced({ busy: () => true, gait: periodicGait, signal: ending.signal, goesOn: () => void said.push('on') });
  await pace.rest(4, 0.01);
  const resting = pace.rest(4, 3_600_000);
  ending.abort(new Error('govd stops'));
  await expect(resting).rejects.toThrow(/aborted/);
  expect(said).toEqual(['on', 'on']);
});

describe('pages', () => {
  const numbers = Array.from({ length: 7 }, (_, at) => at + 1);
  type Numbered = { n: number };
  const page = (last: Numbered | null, limit: number): Query<Numbered> => ({
    name: 'numbers',
    sql: '',
    params: { after: last?.n ?? 0, limit },
  });
  const read = async (queries: readonly Query<unknown>[]) =>
    queries.map(({ params }) =>
      numbers
        .filter((n) => n > Number(params.after))
        .slice(0, Number(params.limit))
        .map((n) => ({ n })),
    );
  const database = { read } as unknown as Database;

  it.each([1, 2, 3, 7, 8])('of %i rows show each row once, and what one comes to is done before the next is read', async (limit) => {
    const seen: number[] = [];
    let under = 0;
    const count = await eachPage(database, { rows: () => limit, rest: async () => {} }, page, (rows) => {
      expect(rows.length).toBeLessThanOrEqual(limit);
      expect(under).toBe(0);
      under += 1;
      seen.push(...rows.map(({ n }) => n));
      return Promise.resolve().then(() => {
        under -= 1;
      });
    });
    expect([count, seen]).toEqual([7, numbers]);
  });
});
