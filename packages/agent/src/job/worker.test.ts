import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pauseJob, resumeJob } from '@govctl/core/job';
import { breakLock, pauseRun } from '@govctl/core/run';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Behaviour, step, type TestJobs, testJobs, untilEnded } from './job.fixture.ts';
import { openJobs } from './queries.ts';
import { type JobWorker, startJobWorker } from './worker.ts';

let at: TestJobs;
let worker: JobWorker;
beforeEach(async () => {
  at = await testJobs();
});
afterEach(async () => {
  await worker.stop();
  at.close();
});

const statusOf = async (run: string) => (await at.stored(run)).run.row.status;
const eventually = (run: string) => expect.poll(() => statusOf(run), { timeout: 60_000, interval: 50 });

it('does not look at what waits before what is new, however much waits', async () => {
  worker = await startJobWorker(at.deps);
  await worker.stop();
  for (const run of ['older', 'new']) await at.submit(run, step('one'));
  at.rows("UPDATE run SET status = 'paused', phase = 'EXECUTING' WHERE run_id = 'older' RETURNING run_id");
  const looked = async () => (await at.deps.database.read([openJobs({ now: at.deps.now(), limit: 1 })]))[0].map(({ run_id }) => run_id);
  expect(await looked()).toEqual(['new']);
  at.rows("UPDATE job SET stop_asked_at = '2026-11-21T03:00:00.000Z' WHERE run_id = 'older' RETURNING run_id");
  expect(await looked()).toEqual(['older']);
});

it('stops a job that waits for its workspace at once, whoever has that', async () => {
  at.steps.long = [untilEnded];
  await at.submit('waits', step('one'));
  at.rows("UPDATE lock SET holder = 'other', expires_at = '2027-01-01T00:00:00.000Z' RETURNING lock_key");
  worker = await startJobWorker(at.deps);
  const values = { run_id: 'waits', stop_asked_at: at.deps.now(), stop_asked_by: JSON.stringify(at.actor), stop_reason: 'enough' };
  await at.deps.journal.commit({ label: 'run.stop', changes: [{ write: 'job.stop', values }], records: [], events: [] });
  worker.wake();
  await eventually('waits').toBe('cancelled');
  expect(await at.lockOf('waits')).toBe('other');
});

it('gives a paused job and its workspace back when nothing of it runs any more, and goes on with it when it is resumed', async () => {
  const ends: (() => void)[] = [];
  at.steps.one = [() => new Promise((resolve) => ends.push(() => resolve({})))];
  await at.submit('held', step('one'), step('two'));
  worker = await startJobWorker(at.deps);
  await expect.poll(() => ends.length).toBe(1);
  const { run } = await at.stored('held');
  const asked = pauseRun({ reason: 'manual_pause', detail: 'look', paused_by: at.actor.actor_id }, at.deps.now());
  await at.deps.journal.commit(pauseJob(run, asked, at.actor, null, await at.deps.context(run.row.updated_at)).unit);
  worker.wake();
  expect([worker.driving('held')?.live?.step, await at.lockOf('held')]).toEqual(['one', 'held']);
  ends[0]?.();
  await expect.poll(() => at.lockOf('held'), { timeout: 60_000 }).toBe(null);
  const { run: settled, steps } = await at.stored('held');
  expect([settled.row.status, settled.job.process, steps.map(({ status }) => status)]).toEqual(['paused', null, ['success']]);
  const by = { actor_id: at.actor.actor_id, authenticated_by: 'test', authority: 'tenant_admin' as const, reason: 'seen' };
  await at.deps.journal.commit(resumeJob(settled, by, await at.deps.context(settled.row.updated_at)).unit);
  worker.wake();
  await eventually('held').toBe('succeeded');
});

it('ends what runs when its lock is broken, and says so of the attempt', async () => {
  at.steps.one = [untilEnded];
  await at.submit('broken', step('one'));
  worker = await startJobWorker(at.deps);
  await expect.poll(() => worker.driving('broken')?.live?.step).toBe('one');
  const { lock_key, fence } = worker.driving('broken')?.hold ?? { lock_key: '', fence: 0 };
  const context = { ...(await at.deps.context(at.deps.now())), actor: at.actor, salt: '0'.repeat(32) };
  await at.deps.journal.commit(breakLock(context, { lock_key, fence, holder: 'broken', expires_at: null }, 'it hangs').unit);
  worker.wake();
  await eventually('broken').toBe('failed');
  const { run, steps } = await at.stored('broken');
  const reason = 'the lock of its workspace was taken away while it ran';
  expect([run.state.reason, steps[0]?.reason]).toEqual([`step one failed: ${reason}`, reason]);
});

/** What a step may leave in the place of an output: no store is to blame, and trying again changes nothing. */
const leaves =
  (what: (folder: string) => void): Behaviour =>
  async ({ env }) => {
    what(env.GOVCTL_OUTPUT_REPORT ?? '');
    return {};
  };
const outputs: readonly (readonly [string, Behaviour, string])[] = [
  ['nothing', leaves(() => {}), 'output report is empty: no step wrote it'],
  ['no folder', leaves((folder) => rmSync(folder, { recursive: true })), 'output report cannot be read (ENOENT)'],
  [
    'a name no snapshot may have',
    leaves((folder) => writeFileSync(join(folder, 'a\\b.csv'), '1')),
    'output report cannot be a snapshot: the path has a backslash',
  ],
];

it.each(outputs)('ends a job whose output is %s', async (_what, behaviour, reason) => {
  at.steps.one = [behaviour];
  at.extra = 'outputs: [{ name: report, dataset_id: report }]';
  await at.submit('made', step('one'));
  worker = await startJobWorker(at.deps);
  await eventually('made').toBe('failed');
  expect((await at.stored('made')).run.state.reason).toContain(reason);
});
