import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunDocument } from '@govctl/core/job';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { jobFile, type Pin, readyForJobs, runToItsEnd, shell } from './job-scene.ts';

let at: Deployment;
let pin: Pin;

beforeAll(async () => {
  at = await deploy();
  await at.start();
  pin = await readyForJobs(at);
});
afterAll(async () => await at.remove());

const get = (run: string) => at.json<RunDocument>(['run', 'get', run]);

async function until(run: string, done: (one: RunDocument) => boolean): Promise<RunDocument> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const one = await get(run);
    if (done(one)) return one;
    await sleep(100);
  }
  throw new Error(`${run} never came to it: ${JSON.stringify(await get(run))}`);
}

/** A job whose first step ends when `go` is called; paused while that step runs. */
async function pausedJob(run: string, workspace: string, ...flags: string[]) {
  const gate = join(at.folder, `${run}.go`);
  const steps = [shell('one', `until test -f ${gate}; do sleep 0.1; done`, 'cost_units: 8'), shell('two', 'true')];
  const file = await at.file(`${run}.yaml`, jobFile(pin, { workspace, steps }));
  await at.json(['run', 'submit', file, '--run-id', run]);
  await until(run, ({ running }) => running !== null);
  const paused = await at.json<RunDocument>(['run', 'pause', run, '--reason', 'looking at it', ...flags]);
  return { paused, go: async () => await writeFile(gate, '') };
}
const endedStep = (one: RunDocument) => one.running === null && one.manifest.length === 1;
const toldOf = async (run: string) =>
  (await at.rows<{ events: string }>('govd', `SELECT events FROM outbox WHERE events LIKE '%"${run}"%'`))
    .map(({ events }) => events)
    .join();

it('is paused before its next step, keeps its workspace where asked, and goes on when somebody with authority says so', async () => {
  const { paused, go } = await pausedJob('held', 'kept', '--keep-lock', '--authority', 'founder_only');
  expect(paused).toMatchObject({
    status: 'paused',
    running: { step: 'one' },
    pause: { detail: 'looking at it', authorities: ['founder_only'], lock_key: 'workspace/default/kept' },
  });
  await go();
  // What runs ends; then nothing does.
  await until('held', endedStep);
  await sleep(1500);
  expect(await get('held')).toMatchObject({ status: 'paused', risk_level: 'elevated', manifest: [{ step: 'one', status: 'success' }] });
  const other = await at.file('kept.yaml', jobFile(pin, { workspace: 'kept', steps: [shell('quick', 'true')] }));
  expect((await at.govctl(['run', 'submit', other, '--run-id', 'behind'])).code).toBe(10);
  const again = await at.govctl(['run', 'pause', 'held', '--reason', 'once more']);
  expect([again.code, again.stderr.includes('fix: govctl run resume held --reason TEXT')]).toEqual([10, true]);

  const key = join(at.folder, 'bob.apikey');
  await at.json(['apikey', 'add', '--actor', 'HUMAN::bob', '--action', 'run.*', '--dataset', 'kept', '-O', key]);
  const refused = await at.govctl(['run', 'resume', 'held', '--reason', 'I want it'], { env: { GOVCTL_API_KEY_FILE: key } });
  expect([refused.code, refused.stderr.includes('it takes founder_only, and tenant_user is held')]).toEqual([4, true]);

  await at.json(['run', 'resume', 'held', '--reason', 'it is whole']);
  const ended = await until('held', ({ phase }) => phase === 'COMPLETED');
  expect(ended).toMatchObject({ status: 'succeeded', pause: null, manifest: [{ step: 'one' }, { step: 'two' }] });
  for (const type of ['run.paused', 'run.resumed', 'run.completed']) expect(await toldOf('held')).toContain(`"${type}"`);
  expect(await at.json(['reconcile', '--run', 'held'])).toMatchObject({ clean: true, runs: [{ status: 'COMPLETE' }] });
});

it('gives its workspace back meanwhile, can be stopped there, and does at the end of its time what was said', async () => {
  const released = await pausedJob('away', 'shared');
  await released.go();
  await until('away', endedStep);
  expect(await runToItsEnd(at, 'between', jobFile(pin, { workspace: 'shared', steps: [shell('quick', 'true')] }))).toMatchObject({
    status: 'succeeded',
  });
  const stopped = await at.json<RunDocument>(['run', 'stop', 'away', '--reason', 'not needed', '--wait']);
  expect(stopped).toMatchObject({ status: 'cancelled', reason: 'not needed', pause: null, manifest: [{ step: 'one' }] });

  const short = ['--sla', '1s', '--on-timeout'];
  const ends = await pausedJob('ends', 'ends', ...short, 'terminate');
  const goesOn = await pausedJob('goes-on', 'goes-on', ...short, 'continue');
  const calls = await pausedJob('calls', 'calls', ...short, 'escalate');
  await Promise.all([ends.go(), goesOn.go(), calls.go()]);
  expect(await until('ends', ({ phase }) => phase === 'FAILED')).toMatchObject({ status: 'failed', manifest: [{ step: 'one' }] });
  expect(await until('goes-on', ({ phase }) => phase === 'COMPLETED')).toMatchObject({ status: 'succeeded', pause: null });
  expect((await until('calls', ({ pause }) => pause?.escalated_at != null)).status).toBe('paused');
  const { items } = await at.json<{ items: unknown[] }>(['incident', 'ls']);
  for (const [run_id, error_code] of [
    ['ends', 'pause-timeout'],
    ['calls', 'pause-escalated'],
  ])
    expect(items).toContainEqual(expect.objectContaining({ run_id, error_code }));
  expect((await at.rows('govd', 'SELECT lock_key FROM lock WHERE holder IS NOT NULL')).length).toBe(0);
});

it('tells of thresholds without stopping, and ends by its budget', async () => {
  const limits = '{ seconds: 60, cost_units: 10 }';
  const near = await runToItsEnd(at, 'near', jobFile(pin, { workspace: 'near', limits, steps: [shell('one', 'true', 'cost_units: 8')] }));
  expect(near).toMatchObject({ status: 'succeeded', risk_level: 'elevated' });
  expect(await toldOf('near')).toContain('"threshold.exceeded"');
  const steps = [shell('one', 'true', 'cost_units: 8'), shell('two', 'true', 'cost_units: 8')];
  await runToItsEnd(at, 'over', jobFile(pin, { workspace: 'over', limits, steps }), 21);
  expect((await at.json<{ items: unknown[] }>(['incident', 'ls'])).items).toContainEqual(
    expect.objectContaining({ run_id: 'over', error_code: 'budget-exceeded' }),
  );
});

it('is looked at afresh when it is resumed: lowered limits pause it again, a suspended tenant ends it', async () => {
  const { go } = await pausedJob('checked', 'checked');
  await go();
  await until('checked', endedStep);
  await at.stop();
  await appendFile(join(at.state, 'govd.yaml'), '\nruns: { jobs: { limits: { cost_units: 9 } } }\n');
  await at.start();
  await at.json(['run', 'resume', 'checked', '--reason', 'go on']);
  const again = await until('checked', ({ pause }) => pause?.paused_by === 'SYSTEM::govd');
  expect(again).toMatchObject({
    status: 'paused',
    manifest: [{ step: 'one' }],
    pause: { reason: 'budget_warning', detail: 'LIMIT_CHANGED: cost units 10 -> 9', authorities: ['tenant_admin'] },
  });
  const file = await at.file('late.yaml', jobFile(pin, { workspace: 'late', steps: [shell('quick', 'true')] }));
  const greedy = await at.govctl(['run', 'submit', file, '--run-id', 'late']);
  expect([greedy.code, greedy.stderr.includes('limits.cost_units is 10, and 9 is allowed here')]).toEqual([2, true]);

  await at.json(['tenant', 'suspend', 'default', '--reason', 'keys leaked', '--confirm', 'default']);
  const denied = await at.govctl(['run', 'submit', file, '--run-id', 'late']);
  expect([denied.code, denied.stderr.includes('default was suspended by HUMAN::operator')]).toEqual([4, true]);
  await at.json(['run', 'resume', 'checked', '--reason', 'go on']);
  const ended = await until('checked', ({ phase }) => phase === 'FAILED');
  expect(ended.reason).toMatch(/^TENANT_SUSPENDED: default was suspended by HUMAN::operator/);
  expect((await at.json<{ items: unknown[] }>(['incident', 'ls'])).items).toContainEqual(
    expect.objectContaining({ run_id: 'checked', error_code: 'tenant-suspended' }),
  );
});
