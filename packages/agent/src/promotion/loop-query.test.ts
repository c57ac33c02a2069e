import { afterAll, expect, it } from 'vitest';
import { openIntents } from '../audit/queries.ts';
import { type Query, textFor } from '../db/index.ts';
import { openJobs } from '../job/queries.ts';
import { testJournal } from '../journal/journal.fixture.ts';
import { dueRuns, pausedRuns } from './queries.ts';

const at = testJournal();
afterAll(() => at.close());

const asked: readonly Query<unknown>[] = [
  pausedRuns({ after: '', limit: 100 }),
  dueRuns({ now: '', limit: 10, after: '', after_run: '' }),
  openJobs({ now: '', limit: 10 }),
  openIntents({ run_id: null, since: null, before: '' }),
];

/** Loops ask these all the time, on the thread that serves: open runs are few, and all that ever were are many. */
it.each(asked.map((query) => [query.name, query] as const))('%s are looked for among open runs only', (_name, { sql, params }) => {
  const plan = at.handle.prepare(`EXPLAIN QUERY PLAN ${textFor('sqlite', sql)}`).all(params) as { detail: string }[];
  const runs = plan.map(({ detail }) => detail).filter((detail) => /^(SCAN|SEARCH) (run|r)\b/.test(detail));
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatch(/INDEX run_open(_job)?\b/);
});
