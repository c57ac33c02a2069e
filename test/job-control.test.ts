import { execFileSync, spawnSync } from 'node:child_process';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunDocument } from '@govctl/core/job';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mayMount } from './fault/mount.ts';
import { type Deployment, deploy } from './harness.ts';
import { jobFile, type Pin, readyForJobs, runToItsEnd, shell } from './job-scene.ts';
import { storeKind } from './store.ts';
import { traceFault, traceSink } from './trace-sink.ts';

let at: Deployment;
let pin: Pin;
/** Looked at before each step that does not begin within a second of the last. */
const midRun = '\nruns: { mid_run: { interval: 1s } }\n';

beforeAll(async () => {
  at = await deploy();
  await appendFile(join(at.state, 'govd.yaml'), midRun);
  await at.start();
  pin = await readyForJobs(at);
});
const disk = () => join(at.state, 'runs');
afterAll(async () => {
  await at.stop();
  spawnSync('umount', ['-l', disk()], { stdio: 'ignore' });
  await at.remove();
});

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
  const behind = await at.govctl(['run', 'submit', other, '--run-id', 'behind']);
  // Nobody is told to watch what waits for a person.
  expect([behind.code, behind.stderr]).toEqual([10, expect.stringContaining('run held is paused and keeps it meanwhile')]);
  expect(behind.stderr).toContain('fix: govctl run resume held --reason TEXT');
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
  await pausedJob('ends', 'ends', ...short, 'terminate');
  const goesOn = await pausedJob('goes-on', 'goes-on', ...short, 'continue');
  const calls = await pausedJob('calls', 'calls', ...short, 'escalate');
  await Promise.all([goesOn.go(), calls.go()]);
  // Nobody lets its step end: it is killed with its time, and only then the run ends.
  const killed = { step: 'one', status: 'failed', reason: 'the time of its pause ran out' };
  expect(await until('ends', ({ phase }) => phase === 'FAILED')).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('nobody resumed it'),
    manifest: [killed],
  });
  expect((await at.govctl(['run', 'receipt', 'ends'])).stdout).toContain('govctl run rerun ends');
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

it('ends with its time where its trace cannot be written, and is marked', async () => {
  const { go } = await pausedJob('dark', 'dark', '--sla', '3s');
  await go();
  await until('dark', endedStep);
  await traceSink(at, 'break');
  try {
    const ended = await until('dark', ({ phase }) => phase === 'FAILED');
    expect(ended).toMatchObject({ status: 'failed', observability_status: 'DEGRADED' });
    expect(ended.observability_error).toContain(traceFault);
  } finally {
    await traceSink(at, 'mend');
  }
  const codes = (await at.json<{ items: { run_id: string; error_code: string }[] }>(['incident', 'ls', '--run', 'dark'])).items;
  expect(codes.map(({ error_code }) => error_code).sort()).toEqual(['pause-timeout', 'trace-lost']);
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

// On PostgreSQL the clock is the database's, and cannot be moved.
it.skipIf(storeKind === 'postgres')('goes on under a clock that was moved back an hour, and its time never goes back', async () => {
  const tries = shell('slow', 'test -f mark && exit 0; touch mark; sleep 900', 'retries: 1');
  const file = jobFile(pin, { workspace: 'back', steps: [tries, shell('two', 'true')], extra: 'job_kind: mf_train' });
  await at.json(['run', 'submit', await at.file('back.yaml', file), '--run-id', 'back']);
  await until('back', ({ running }) => running !== null);
  await at.stop('SIGKILL');
  await at.start({
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'fault/shifted-clock.mjs')}`,
    GOVCTL_TEST_CLOCK_SHIFT: '-3600000',
  });
  const ended = await until('back', ({ phase }) => phase === 'COMPLETED');
  const times = ended.phases.map((one) => one.at);
  expect(times).toEqual([...times].sort());
  expect(ended.used.seconds).toBeGreaterThanOrEqual(0);
  expect(await at.json(['reconcile', '--run', 'back'])).toMatchObject({ clean: true, runs: [{ status: 'COMPLETE' }] });
  // Another one that begins in the past of this workspace's lock.
  expect(await runToItsEnd(at, 'back-2', jobFile(pin, { workspace: 'back', steps: [shell('quick', 'true')] }))).toMatchObject({
    status: 'succeeded',
  });
  await at.stop();
  await at.start();
  // What was asked for is a model, and on record as that.
  const records = await at.json<{ items: { ref: string }[] }>(['evidence', 'ls', '--run', 'back']);
  const said: string[] = [];
  for (const { ref } of records.items) {
    const { stdout } = await at.govctl(['evidence', 'get', ref, '-O', '-']);
    const { envelope } = JSON.parse(stdout) as { envelope: { payload: string } };
    said.push(Buffer.from(envelope.payload, 'base64').toString());
  }
  for (const fact of ['MF_TRAIN_REQUESTED', 'MF_TRAIN_COMPLETED']) expect(said.join()).toContain(fact);
});

it.skipIf(!mayMount && process.env.CI === undefined)(
  `fills its disk and fails, and the next one has it again${mayMount ? '' : ' (SKIPPED: needs root and tmpfs)'}`,
  async () => {
    await at.stop();
    await mkdir(disk(), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk()]);
    await at.start();
    // More than there is, and then it stays: whatever it does about its error, it is ended.
    const greedy = shell('fill', 'echo filling; head -c 200000000 /dev/zero > big; sleep 900');
    const full = await runToItsEnd(at, 'full', jobFile(pin, { workspace: 'full', steps: [greedy] }), 21);
    expect(full).toMatchObject({ status: 'failed', reason: expect.stringContaining('the disk has less than') });
    // Whether it got to hear of it depends on who was quicker.
    expect((await at.govctl(['run', 'logs', 'full'])).stdout).toContain('filling');
    expect(await runToItsEnd(at, 'roomy', jobFile(pin, { workspace: 'full', steps: [shell('quick', 'echo 1 > small')] }))).toMatchObject({
      status: 'succeeded',
    });
    expect(await at.json(['reconcile', '--run', 'full'])).toMatchObject({ clean: true });
  },
);

it('pauses before its next step when its pack is taken out of force, and goes on once that is active again', async () => {
  const gate = join(at.folder, 'judged.go');
  const steps = [shell('one', `until test -f ${gate}; do sleep 0.1; done`), shell('two', 'true')];
  const file = await at.file('judged.yaml', jobFile(pin, { workspace: 'judged', steps }));
  await at.json(['run', 'submit', file, '--run-id', 'judged']);
  await until('judged', ({ running }) => running !== null);
  const { stdout: pack } = await at.govctl(['policy', 'show', 'jobs-default', '--source']);
  type Deactivation = { deactivated: boolean; packs: unknown[]; evidence_ref: string };
  const off = await at.json<Deactivation>(['policy', 'deactivate', 'jobs-default', '--reason', 'its cost rule is wrong']);
  expect(off).toMatchObject({ deactivated: true, packs: [] });
  expect(await at.json(['evidence', 'get', off.evidence_ref])).toBeDefined();
  // Nothing new starts under a pack that is not active; what runs ends its step first.
  const refused = await at.govctl(['run', 'submit', file, '--run-id', 'judged-2']);
  expect([refused.code, refused.stderr.includes('no such pack is active')]).toEqual([2, true]);
  await sleep(1100);
  await writeFile(gate, '');
  const paused = await until('judged', ({ status }) => status === 'paused');
  expect(paused).toMatchObject({
    manifest: [{ step: 'one', status: 'success' }],
    pause: {
      reason: 'policy_change',
      detail: 'POLICY_DISABLED: no longer active: jobs-default',
      authorities: ['tenant_admin'],
      paused_by: 'SYSTEM::govd',
    },
  });
  // Looked at afresh when it is resumed: the pack is still away.
  await at.json(['run', 'resume', 'judged', '--reason', 'go on']);
  const again = await until('judged', ({ pause }) => pause !== null && pause.paused_at !== paused.pause?.paused_at);
  expect(again.pause?.detail).toContain('POLICY_DISABLED');
  await at.json(['policy', 'activate', await at.file('jobs-again.yaml', pack)]);
  await at.json(['run', 'resume', 'judged', '--reason', 'its pack is in force again']);
  expect(await until('judged', ({ phase }) => phase === 'COMPLETED')).toMatchObject({ status: 'succeeded', pause: null });
  const stale = ['--expected-policy-rev', `sha256:${'0'.repeat(64)}`];
  expect((await at.govctl(['policy', 'deactivate', 'jobs-default', '--reason', 'again', ...stale])).code).toBe(10);
});

it('is looked at afresh when it is resumed: lowered limits pause it again, a suspended tenant ends it', async () => {
  const { go } = await pausedJob('checked', 'checked');
  await go();
  await until('checked', endedStep);
  await at.stop();
  const config = join(at.state, 'govd.yaml');
  const lowered = '\nruns: { mid_run: { interval: 1s }, jobs: { limits: { cost_units: 9 } } }\n';
  await writeFile(config, (await readFile(config, 'utf8')).replace(midRun, lowered));
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
