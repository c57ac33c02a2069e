import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isProblem } from '@govctl/core/api';
import { isEnded, type Phase, pauseDue, transitionTable } from '@govctl/core/run';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { denialLimit } from '../evidence/denial-limit.ts';
import { type Jobs, jobHandlers } from './handler.ts';
import { type Behaviour, step, type TestJobs, testJobs } from './job.fixture.ts';
import { pausedJobs } from './paused.ts';
import type { Ended } from './process.ts';
import { type JobWorker, startJobWorker } from './worker.ts';

const timeouts = ['TERMINATE', 'CONTINUE', 'ESCALATE'] as const;
/** What may happen to a job, in any order: its steps end, people ask for something, time passes, daemons go, packs say something else. */
const move = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('step succeeds', 'step fails') },
  {
    weight: 2,
    arbitrary: fc.record({ pause: fc.constantFrom(...timeouts), keep_lock: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.constantFrom('stop', 'resume', 'an hour passes', 'rival comes', 'rival goes') },
  { weight: 2, arbitrary: fc.constantFrom('daemon stops', 'daemon is killed') },
  { weight: 2, arbitrary: fc.constantFrom('packs allow', 'packs deny', 'packs defer') },
);
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

const retries = 1;
const hourMs = 3_600_000;
let at: TestJobs;
let worker: JobWorker;
let jobs: Jobs;
/** Processes that run now. */
const processes = new Set<(ended: Partial<Ended>) => void>();
const runs: Behaviour = ({ signal }) =>
  new Promise((resolve) => {
    const end = (ended: Partial<Ended>) => {
      processes.delete(end);
      resolve(ended);
    };
    const cut = () => end({ exit_code: null, signal: 'SIGTERM', cut: String(signal.reason) });
    processes.add(end);
    if (signal.aborted) cut();
    else signal.addEventListener('abort', cut, { once: true });
  });

async function startDaemon(): Promise<void> {
  worker = await startJobWorker(at.deps);
  jobs = jobHandlers({
    ...at.deps,
    worker,
    refusals: denialLimit(),
    log: { place: async (ref, leaf_index, tree_size) => ({ ref, leaf_index, tree_size, proof: [], checkpoint: '' }) },
  });
}

beforeAll(async () => {
  at = await testJobs();
  Object.assign(at.steps, { one: [runs], two: [runs] });
  await startDaemon();
});
afterAll(async () => {
  await worker.stop();
  at.close();
});

/** What a person asks for. @returns whether it was accepted */
async function ask(route: 'run.stop' | 'run.pause' | 'run.resume', run_id: string, body: object): Promise<boolean> {
  const handler = jobs.handlers[route] as (request: object) => Promise<unknown>;
  try {
    await handler({ params: { run_id }, body, actor: at.actor, now: at.deps.now(), raw: Readable.from([]), headers: {} });
    return true;
  } catch (error) {
    if (isProblem(error)) return false;
    throw error;
  }
}

const rivalHolds = async (run: string) => (await at.lockOf(run)) === 'rival';

async function rival(run: string, write: 'lock.take' | 'lock.release'): Promise<void> {
  const lock_key = `workspace/default/${run}`;
  const fence = at.rows<{ fence: number }>(`SELECT fence FROM lock WHERE lock_key = '${lock_key}'`)[0]?.fence ?? 0;
  const [now, expires_at] = [at.deps.now(), '2099-01-01T00:00:00.000Z'];
  if (write === 'lock.release' && !(await rivalHolds(run))) return;
  const change =
    write === 'lock.take'
      ? { write, values: { lock_key, holder: 'rival', expected_fence: fence, at: now, expires_at } }
      : { write, values: { lock_key, fence } };
  await at.deps.journal.commit({ label: write, changes: [change], records: [], events: [] });
}

/** What the loop that watches pauses does. */
async function watchPause(run_id: string): Promise<void> {
  const { row, state } = (await at.stored(run_id)).run;
  if (row.status !== 'paused' || state.pause === undefined) return;
  const due = pauseDue(state.pause, at.deps.now());
  const paused = pausedJobs(at.deps, () => worker.wake());
  if (due === 'terminate') await paused.end(run_id, 'nobody resumed it', (unit) => unit);
  if (due === 'continue') await paused.letGoOn(run_id, 'nobody resumed it', (unit) => unit);
}

/** Until nothing happens by itself any more: it ended, a step runs, or it waits. */
async function settled(run: string): Promise<void> {
  for (let round = 0; round < 500; round += 1) {
    worker.wake();
    await watchPause(run);
    const { row, job } = (await at.stored(run)).run;
    const later = row.status === 'deferred' && (row.next_eligible_at ?? '') > at.deps.now();
    const waits = (row.status === 'paused' || later) && job.process === null && job.stop_asked_at === null;
    const idle = worker.driving(run) === undefined && (waits || (await rivalHolds(run)));
    if (isEnded(row.phase as Phase) || processes.size > 0 || idle) return;
    await sleep(5);
  }
}

async function make(run: string, next: Move): Promise<boolean> {
  const [process] = processes;
  if (typeof next !== 'string') {
    const { pause: timeout, keep_lock } = next;
    const asked = { pause_reason: 'manual_pause', reason: 'a look', authorities: [], sla_s: 1800, warn_before_s: 60, timeout, keep_lock };
    await ask('run.pause', run, asked);
  } else if (next === 'step succeeds') process?.({});
  else if (next === 'step fails') process?.({ exit_code: 1 });
  else if (next === 'stop') return await ask('run.stop', run, { reason: 'enough' });
  else if (next === 'resume') await ask('run.resume', run, { reason: 'seen' });
  else if (next === 'an hour passes') at.time.ms += hourMs;
  else if (next === 'rival comes') await rival(run, 'lock.take');
  else if (next === 'rival goes') await rival(run, 'lock.release');
  else if (next === 'daemon stops') {
    await worker.stop();
    at.restarted();
    await startDaemon();
  } else if (next === 'daemon is killed') {
    processes.clear();
    at.restarted();
    await startDaemon();
  } else at.verdict = next.slice('packs '.length) as TestJobs['verdict'];
  return false;
}

/** Everything that a run still waits for comes. */
async function bringToItsEnd(run: string): Promise<void> {
  for (let round = 0; round < 30; round += 1) {
    await rival(run, 'lock.release');
    await settled(run);
    const { row } = (await at.stored(run)).run;
    if (isEnded(row.phase as Phase)) return;
    for (const end of processes) end({});
    if (row.status === 'paused') await ask('run.resume', run, { reason: 'seen' });
    if (row.status === 'deferred') at.time.ms += 25 * hourMs;
  }
  throw new Error(`${run} comes to no end: ${JSON.stringify((await at.stored(run)).run.row)}`);
}

/** One end, told once; nothing left behind, and nothing after it. */
async function check(run_id: string, happened: readonly string[], stopped: boolean): Promise<void> {
  const { run, steps } = await at.stored(run_id);
  const { phases } = run.state;
  for (const [index, { event, phase, status }] of phases.entries()) {
    const before = phases[index - 1];
    if (before !== undefined && event !== 'request') expect(transitionTable[before.phase][event]).toEqual({ phase, status });
  }
  expect(phases.filter(({ phase }) => isEnded(phase)).length).toBe(1);
  if (stopped) expect(run.row.status).not.toBe('succeeded');

  const results = at.rows<{ ref: string }>(`SELECT ref FROM record WHERE run_id = '${run_id}' AND kind = 'run-result'`);
  expect(results.map(({ ref }) => ref)).toEqual([run.job.result_ref]);
  expect(run.row.evidence_ref).toBe(run.job.result_ref);
  const told = at.rows(
    `SELECT 1 FROM outbox WHERE events LIKE '%"${run_id}"%' AND (events LIKE '%run.completed%' OR events LIKE '%run.failed%')`,
  );
  expect(told.length).toBe(1);
  const kinds = at.rows<{ kind: string }>(`SELECT kind FROM run_trace WHERE run_id = '${run_id}' ORDER BY seq`).map(({ kind }) => kind);
  expect([kinds.filter((kind) => kind === 'end').length, kinds.at(-1)]).toEqual([1, 'end']);
  expect(kinds.filter((kind) => kind === 'step').length).toBe(steps.length);

  expect(steps.filter(({ status }) => status === 'running')).toEqual([]);
  for (const index of [0, 1]) {
    const attempts = steps.filter(({ step_index }) => step_index === index);
    expect(attempts.length).toBeLessThanOrEqual(1 + retries);
    expect(attempts.slice(0, -1).every(({ status }) => status === 'failed')).toBe(true);
    if (run.row.status === 'succeeded') expect(attempts.at(-1)?.status).toBe('success');
  }
  expect(await at.lockOf(run_id)).not.toBe(run_id);
  expect(run.job.process).toBe(null);
  const end = happened.findIndex((line) => /^commit job\.(complete|deny|error|cancel)$/.test(line));
  // A daemon that stops gives back what it drove a moment ago, ended or not.
  expect(happened.slice(end + 1).filter((line) => /^(commit job(?!\.release)|runs)/.test(line))).toEqual([]);
}

it('comes to one end with one result, whatever people, steps, time, packs and daemons do in whatever order', async () => {
  let nth = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 12 }), async (moves) => {
      const run = `model-${++nth}`;
      at.verdict = 'allow';
      const from = at.log.length;
      await at.submit(run, step('one', `retries: ${retries}`), step('two', `retries: ${retries}`));
      await settled(run);
      let stopped = false;
      for (const next of moves) {
        stopped = (await make(run, next)) || stopped;
        await settled(run);
      }
      await bringToItsEnd(run);
      await check(run, at.log.slice(from), stopped);
    }),
    // As many as there is time for: no machine is asked to be quick.
    { numRuns: 40, endOnFailure: true, interruptAfterTimeLimit: 60_000 },
  );
});
