import { afterEach, beforeEach, expect, it } from 'vitest';
import { anyGrant, testActor } from '../http/serve.fixture.ts';
import { step, type TestJobs, testJobs } from './job.fixture.ts';
import { jobListHandler } from './list.ts';

let at: TestJobs;
beforeEach(async () => {
  at = await testJobs();
});
afterEach(() => at.close());

it('a job whose row was damaged is listed with the others', async () => {
  for (const run of ['torn', 'whole']) await at.submit(run, step('one'));
  at.rows("UPDATE run SET state = substr(state, 1, 20) WHERE run_id = 'torn' RETURNING run_id");
  const list = jobListHandler({ database: at.deps.database });
  const answer = await list({ query: { limit: 10 }, actor: testActor(anyGrant) } as unknown as Parameters<typeof list>[0]);
  expect(answer).toMatchObject({ next_cursor: null });
  expect((answer as { items: { run_id: string; reason: string | null }[] }).items.map(({ run_id, reason }) => [run_id, reason])).toEqual(
    expect.arrayContaining([
      ['torn', null],
      ['whole', null],
    ]),
  );
});
