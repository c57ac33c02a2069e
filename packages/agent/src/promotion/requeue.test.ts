import { afterAll, expect, it } from 'vitest';
import { testJournal } from '../journal/journal.fixture.ts';
import { deferredState, keepDeferred } from './deferred-run.fixture.ts';
import type { PromotionDependencies } from './judge.ts';
import { requeueDeferred } from './requeue.ts';

const at = testJournal();
afterAll(() => at.close());

it('more damaged runs than a page holds, and one that cannot be judged, keep nobody behind them waiting', async () => {
  for (let n = 0; n < 120; n += 1) keepDeferred(at.handle, `a-${n}`, n % 2 === 0 ? '{' : JSON.stringify(deferredState));
  for (const run of ['b-1', 'b-2']) keepDeferred(at.handle, run, JSON.stringify({ ...deferredState, request: { actor: run, facts: {} } }));
  const reached: unknown[] = [];
  const authority = {
    current: (actor: unknown) => {
      reached.push(actor);
      throw new Error(`${String(actor)} cannot be judged`);
    },
  };
  const deps = { database: at.database, now: () => '2026-11-27T12:00:00.000Z', authority } as unknown as PromotionDependencies;
  await expect(requeueDeferred(deps, 'here')).rejects.toThrow('b-1 cannot be judged');
  expect(reached).toEqual(['b-1', 'b-2']);
});
