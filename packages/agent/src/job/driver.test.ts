import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@govctl/core/api';
import { pauseJob } from '@govctl/core/job';
import { pauseRun } from '@govctl/core/run';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { daemonStops, lockLost, pauseOver, stopAsked } from './interruption.ts';
import { type Behaviour, step, type TestJobs, testJobs, untilEnded } from './job.fixture.ts';
import { pausedJobs } from './paused.ts';

let at: TestJobs;
beforeEach(async () => {
  at = await testJobs();
});
afterEach(() => at.close());

const fails: Behaviour = async () => ({ exit_code: 3 });
const succeeds: Behaviour = async () => ({});
const attempts = async (run: string) =>
  (await at.stored(run)).steps.map(({ name, attempt, status, reason }) => [name, attempt, status, reason]);
const results = () => at.rows<{ n: number }>("SELECT count(*) AS n FROM record WHERE kind = 'run-result'")[0]?.n;

/** Drives a job until it cannot be driven on. */
async function drive(run: string): Promise<boolean> {
  return await (await at.drive(run)).done;
}

describe('a driver', () => {
  it('has each attempt on record before its process starts and when it has ended, and judges what is stored', async () => {
    await at.submit('good', step('one'), step('two'));
    expect(await drive('good')).toBe(true);
    expect(at.log).toEqual([
      'commit job.claim',
      'commit job.start',
      'commit job-step.begin',
      'runs one',
      'ended one',
      'commit job-step.end',
      'commit job-step.begin',
      'runs two',
      'ended two',
      'commit job-step.end',
      'commit job.executed',
      'commit job.complete',
    ]);
    const { run } = await at.stored('good');
    expect([run.row.phase, run.row.status, await at.lockOf('good'), results()]).toEqual(['COMPLETED', 'succeeded', null, 1]);
    expect(existsSync(join(at.deps.runs, 'good'))).toBe(false);
  });

  it('starts nothing that is not on record, and forgets no end: it waits for a log that refuses', async () => {
    const refuses = (...labels: readonly string[]) => {
      let left = 3;
      at.before = ({ label }) => {
        if (labels.includes(label) && left-- > 0) throw new Problem('evidence-unavailable', { detail: 'no', hint: 'govctl doctor' });
        if (left <= 0) left = 3;
      };
    };
    refuses('job-step.begin', 'job-step.end');
    await at.submit('slow', step('one'));
    await drive('slow');
    const refused = (label: string) => [`refused ${label}`, 'waits 1000'];
    expect(at.log.slice(2, -2)).toEqual([
      ...[1, 2, 3].flatMap(() => refused('job-step.begin')),
      'commit job-step.begin',
      'runs one',
      'ended one',
      ...[1, 2, 3].flatMap(() => refused('job-step.end')),
      'commit job-step.end',
    ]);
    expect((await at.stored('slow')).run.row.status).toBe('succeeded');
  });

  it('tries again as often as was asked, after pauses that double, and then fails with the last reason', async () => {
    at.steps.one = [fails, fails, succeeds];
    at.steps.two = [fails];
    await at.submit('tries', step('one', 'retries: 2, backoff: 2s'), step('two', 'retries: 1'));
    await drive('tries');
    expect(at.log.filter((line) => line.startsWith('waits'))).toEqual(['waits 2000', 'waits 4000', 'waits 1000']);
    expect((await attempts('tries')).map(([name, attempt, status]) => [name, attempt, status])).toEqual([
      ['one', 1, 'failed'],
      ['one', 2, 'failed'],
      ['one', 3, 'success'],
      ['two', 1, 'failed'],
      ['two', 2, 'failed'],
    ]);
    const { run } = await at.stored('tries');
    expect([run.row.status, run.state.reason]).toEqual(['failed', 'step two failed after 2 attempts: exit code 3']);
  });

  it('gives an attempt no more time than its run has left', async () => {
    const given: number[] = [];
    const takes: Behaviour = async ({ timeoutMs }) => {
      given.push(timeoutMs);
      return { elapsed_ms: 45_000 };
    };
    Object.assign(at.steps, { one: [takes], two: [takes], three: [takes] });
    await at.submit('long', step('one', 'timeout: 50s'), step('two', 'timeout: 50s'), step('three'));
    await drive('long');
    expect(given).toEqual([50_000, 15_000]);
    const { run } = await at.stored('long');
    expect([run.row.status, run.state.reason]).toEqual(['failed', 'the limit of 60 s is used up (90 s)']);
  });

  it.each([
    ['tried again', 'retries: 1', 'succeeded', ['failed', 'success']],
    ['failed', 'retries: 0', 'failed', ['failed']],
  ])('never takes for done what a daemon that is gone began: it is %s', async (_what, more, status, ended) => {
    at.steps.one = [() => new Promise(() => {}), succeeds];
    await at.submit('lost', step('one', more));
    void at.drive('lost');
    await expect.poll(() => at.log).toContain('runs one');
    at.restarted();
    await drive('lost');
    const { run, steps } = await at.stored('lost');
    expect([run.row.status, steps.map((row) => row.status)]).toEqual([status, ended]);
    expect(steps[0]?.reason).toBe('govd was gone while it ran');
  });

  it('writes nothing more once the lock is another’s, told or not', async () => {
    for (const told of [true, false]) {
      const run = `lost-${told}`;
      const interrupts: (() => void)[] = [];
      at.steps.one = [
        async ({ signal }) => {
          at.time.ms += 400_000;
          await at.deps.journal.commit({
            label: 'other',
            changes: [
              {
                write: 'lock.take',
                values: {
                  lock_key: `workspace/default/${run}`,
                  holder: 'other',
                  expected_fence: 2,
                  at: at.deps.now(),
                  expires_at: '2027-01-01T00:00:00.000Z',
                },
              },
            ],
            records: [],
            events: [],
          });
          if (told) for (const interrupt of interrupts) interrupt();
          return { cut: told ? String(signal.reason) : null };
        },
      ];
      await at.submit(run, step('one'));
      const driven = await at.drive(run);
      interrupts.push(() => driven.interrupt(lockLost));
      await driven.done;
      const after = at.log.slice(at.log.lastIndexOf('ended one') + 1);
      expect(after).toEqual(told ? [] : ['lost job-step.end']);
      expect([(await attempts(run))[0]?.[2], await at.lockOf(run)]).toEqual(['running', 'other']);
    }
    expect(results()).toBe(0);
  });

  it.each([
    [stopAsked, 'commit job.cancel'],
    [pauseOver, 'commit job-step.end'],
    [daemonStops, 'commit job-step.end'],
  ])('has on record what it ended, when it is interrupted: %s', async (reason, last) => {
    at.steps.one = [untilEnded];
    await at.submit('cut', step('one', 'retries: 3'));
    const driven = await at.drive('cut');
    await expect.poll(() => at.log).toContain('runs one');
    if (reason === stopAsked) await askedToStop('cut');
    driven.interrupt(reason);
    await driven.done;
    expect(at.log.at(-1)).toBe(last);
    expect(await attempts('cut')).toEqual([['one', 1, 'failed', reason]]);
  });

  it('keeps a stop that was accepted: what ended well meanwhile does not succeed any more', async () => {
    for (const label of ['job-step.end', 'job.executed', 'job.complete']) {
      const run = `stopped-at-${label}`;
      await at.submit(run, step('one'));
      at.before = async (unit) => {
        if (unit.label !== label) return;
        at.before = () => {};
        await askedToStop(run);
      };
      await drive(run);
      // Its guard did not hold: the next one who takes it sees why.
      if ((await at.stored(run)).run.row.status === 'running') await drive(run);
      const stored = await at.stored(run);
      expect([stored.run.row.status, stored.run.state.reason]).toEqual(['cancelled', 'enough']);
    }
    expect(results()).toBe(3);
  });

  it('ends an attempt with its run, where nobody saw its end', async () => {
    at.steps.one = [() => new Promise(() => {})];
    await at.submit('held', step('one'));
    void at.drive('held');
    await expect.poll(() => at.log).toContain('runs one');
    const { run } = await at.stored('held');
    await paused('held');
    const deps = at.restarted();
    at.time.ms += 4_000_000;
    expect(await pausedJobs(deps, () => {}).end(run.row.run_id, 'nobody resumed it', (unit) => unit)).toBe(true);
    expect(await attempts('held')).toEqual([
      ['one', 1, 'failed', 'nobody saw its end: the govd that ran it was gone, or had lost its lock'],
    ]);
    const ended = await at.stored('held');
    expect([ended.run.row.status, ended.run.job.manifest_digest, results()]).toEqual(['failed', expect.stringContaining('sha256:'), 1]);
    expect(at.rows('SELECT kind FROM run_trace ORDER BY seq')).toEqual([{ kind: 'start' }, { kind: 'step' }, { kind: 'end' }]);
  });
});

/** What steps do to their own folder, and what is said of it. Each once: it stays so, however often it is tried. */
const harms: readonly (readonly [string, (root: string) => void, string, string])[] = [
  ['a signal that is no list', (root) => writeFileSync(join(root, 'signals/a.json'), '{'), 'failed', 'signal a.json is no JSON list'],
  [
    'no folder of signals',
    (root) => rmSync(join(root, 'signals'), { recursive: true }),
    'failed',
    'the folder of signals cannot be read (ENOENT)',
  ],
];

describe('what a step did to its folder', () => {
  it.each(harms)('fails it: %s', async (_what, harm, status, reason) => {
    at.steps.one = [
      async () => {
        harm(join(at.deps.runs, 'harm'));
        return {};
      },
      async () => {
        mkdirSync(join(at.deps.runs, 'harm/signals'), { recursive: true });
        writeFileSync(join(at.deps.runs, 'harm/signals/a.json'), '[1]');
        return {};
      },
    ];
    await at.submit('harm', step('one', 'retries: 1'));
    await drive('harm');
    const [first, second] = await attempts('harm');
    expect([first?.[2], first?.[3]]).toEqual([status, expect.stringContaining(reason)]);
    // The next attempt may mend it.
    expect(second?.[2]).toBe('success');
  });

  it('fails the run where nothing can be run there any more, and no attempt is left on record as running', async () => {
    at.steps.one = [
      async () => {
        rmSync(join(at.deps.runs, 'gone/work'), { recursive: true });
        writeFileSync(join(at.deps.runs, 'gone/work'), '');
        return {};
      },
    ];
    await at.submit('gone', step('one'), step('two'));
    await drive('gone');
    const { run } = await at.stored('gone');
    expect([run.row.status, run.state.reason]).toEqual(['failed', 'work is no folder any more: a step put something else there']);
    expect((await attempts('gone')).map(([name]) => name)).toEqual(['one']);
  });
});

async function askedToStop(run_id: string): Promise<void> {
  const values = { run_id, stop_asked_at: at.deps.now(), stop_asked_by: JSON.stringify(at.actor), stop_reason: 'enough' };
  await at.deps.journal.commit({ label: 'run.stop', changes: [{ write: 'job.stop', values }], records: [], events: [] });
}

async function paused(run_id: string): Promise<void> {
  const { run } = await at.stored(run_id);
  const asked = pauseRun({ reason: 'manual_pause', detail: 'look', paused_by: at.actor.actor_id }, at.deps.now());
  await at.deps.journal.commit(pauseJob(run, asked, at.actor, null, await at.deps.context(run.row.updated_at)).unit);
}
