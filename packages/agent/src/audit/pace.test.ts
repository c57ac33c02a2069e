import { describe, expect, it } from 'vitest';
import type { Database, Query } from '../db/index.ts';
import { askedShare, eachPage, paced, periodicShare } from './pace.ts';

/** A pace whose pauses are told instead of made. */
function toldPace(busy: boolean, share: typeof askedShare | typeof periodicShare) {
  const pauses: number[] = [];
  return { pauses, pace: paced({ busy: () => busy, share, pause: async (ms) => void pauses.push(ms) }) };
}

describe('the pace of a reconciliation', () => {
  it('reads little at a time and rests long while others are served', async () => {
    const { pace, pauses } = toldPace(true, periodicShare);
    // A row takes a tenth of a millisecond: twenty are what a page may take.
    for (let page = 0; page < 20; page += 1) await pace.rest(pace.rows(), pace.rows() / 10);
    expect(pace.rows()).toBeGreaterThanOrEqual(18);
    expect(pace.rows()).toBeLessThanOrEqual(22);
    expect(pauses.at(-1)).toBeCloseTo(2 * 24, 0);
  });

  it('has the thread to itself where somebody asked and nobody else is there', async () => {
    const { pace, pauses } = toldPace(false, askedShare);
    for (let page = 0; page < 20; page += 1) await pace.rest(pace.rows(), pace.rows() / 10);
    expect(pace.rows()).toBeGreaterThan(150);
    expect(pauses.every((ms) => ms === 0)).toBe(true);
  });

  it('never reads everything at once, and always something', async () => {
    const slow = toldPace(true, askedShare).pace;
    await slow.rest(16, 60_000);
    expect(slow.rows()).toBe(16);
    const fast = toldPace(false, askedShare).pace;
    for (let page = 0; page < 50; page += 1) await fast.rest(1000, 0);
    expect(fast.rows()).toBe(1000);
  });
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
