import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { RunDocument } from '@govctl/core/job';
import type { PromotionDocument } from '@govctl/core/promotion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy, deployHost } from './harness.ts';
import { jobFile, type Pin, readyForJobs, runToItsEnd, shell } from './job-scene.ts';
import { goodSnapshot, govern } from './orders.ts';
import { storeKind } from './store.ts';
import { traceFault, traceSink } from './trace-sink.ts';

type RunPlan = RouteResponse<RouteList['run.evaluate']>;

/** Whether a process is one of a run's steps. */
function carries(pid: string, run: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .some((line) => line.startsWith('GOVCTL_STEP_ID=') && line.includes(run));
  } catch {
    return false;
  }
}

let at: Deployment;
let pin: Pin;

beforeAll(async () => {
  at = await deploy();
  await at.start();
  pin = await readyForJobs(at);
});
afterAll(async () => await at.remove());

describe('a job', () => {
  it('outlives its daemon: what ran is not taken for done, is ended, and tried again where that was asked', async () => {
    const waits = jobFile(pin, { workspace: 'lost', steps: [shell('slow', 'setsid sleep 900 & sleep 900')] });
    const tries = jobFile(pin, {
      workspace: 'tried',
      steps: [shell('slow', 'test -f mark && exit 0; touch mark; sleep 900', 'retries: 1')],
    });
    await at.json(['run', 'submit', await at.file('lost.yaml', waits), '--run-id', 'lost-1']);
    await at.json(['run', 'submit', await at.file('tried.yaml', tries), '--run-id', 'tried-1']);
    const running = () => at.rows('govd', "SELECT run_id FROM job_step WHERE status = 'running' AND pid IS NOT NULL");
    while ((await running()).length < 2) await new Promise((resolve) => setTimeout(resolve, 200));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await at.stop('SIGKILL');
    await at.start();
    const watched = async (run: string) => {
      const watched = await at.govctl(['run', 'watch', run, '--timeout', '90s']);
      // While it goes on a line, at its end all of it; never what whoever watches does already.
      expect(watched.stdout).not.toContain('govctl run watch');
      expect(watched.stdout.match(/^run_id/gm)).toHaveLength(1);
      return await at.json<RunDocument>(['run', 'get', run]);
    };
    const lost = await watched('lost-1');
    expect(lost.status).toBe('failed');
    expect(lost.reason).toContain('govd was gone while it ran');
    expect(await watched('tried-1')).toMatchObject({ status: 'succeeded', manifest: [{ step: 'slow', status: 'success' }] });
    expect(await readdir('/proc').then((pids) => pids.filter((pid) => /^\d+$/.test(pid) && carries(pid, '/lost-1/')))).toEqual([]);
  });

  it('runs its steps on verified inputs, is judged, and leaves outputs and evidence', async () => {
    const file = jobFile(pin, {
      steps: [
        shell('detect', 'cat "$GOVCTL_INPUT_ORDERS"/orders.csv; echo "[1,2]" > "$GOVCTL_SIGNALS/findings.json"', 'cost_units: 1'),
        shell('report', 'cp "$GOVCTL_INPUT_ORDERS"/orders.csv "$GOVCTL_OUTPUT_REPORT/"; echo done', 'cost_units: 2, env: { MODE: fast }'),
      ],
      extra: 'job_kind: ofs_build\noutputs: [{ name: report, dataset_id: spend-report }]',
    });
    const run = await runToItsEnd(at, 'good-1', file);
    expect(run).toMatchObject({
      phase: 'COMPLETED',
      status: 'succeeded',
      decision: { decision: 'allow', decided_by: 'policy', gate_set: 'run_result' },
      used: { steps: 2, cost_units: 3 },
      manifest: [
        { step: 'detect', status: 'success', exit_code: 0, signals: [{ name: 'findings', count: 2 }] },
        { step: 'report', status: 'success', exit_code: 0 },
      ],
      outputs: [{ name: 'report', dataset_id: 'spend-report', layer: 'RAW', file_count: 1 }],
    });
    expect(run.phases.map(({ phase }) => phase)).toEqual([
      'CREATED',
      'AUTHORIZED',
      'EXECUTING',
      'GOVERNANCE_CHECK',
      'FINALIZING',
      'COMPLETED',
    ]);
    expect((await at.govctl(['run', 'logs', 'good-1', '--step', 'detect'])).stdout).toBe('id,total\n1,100\n');

    const facts = await at.rows<{ kind: string; body: Uint8Array }>(
      'govd',
      "SELECT kind FROM record WHERE run_id = 'good-1' ORDER BY leaf_index",
    );
    // Submitted and requested; decided, the output registered, ended and completed. The output's own record is the dataset's.
    expect(facts.map(({ kind }) => kind)).toEqual([
      'governance-fact',
      'governance-fact',
      'governance-fact',
      'run-result',
      'governance-fact',
    ]);
    const ref = run.evidence?.ref ?? '';
    await at.json(['evidence', 'get', ref, '-O', `${at.folder}/run.json`]);
    expect(await at.json(['evidence', 'verify', `${at.folder}/run.json`])).toMatchObject({ verified: true });
    expect(await at.json(['reconcile', '--run', 'good-1'])).toMatchObject({ clean: true, runs: [{ status: 'COMPLETE' }] });
    expect(await at.rows('govd', "SELECT kind FROM run_trace WHERE run_id = 'good-1' ORDER BY seq")).toEqual([
      { kind: 'start' },
      { kind: 'step' },
      { kind: 'step' },
      { kind: 'end' },
    ]);
    // Sent again: the same run, not another.
    const again = await at.json<RunDocument>(['run', 'submit', await at.file('good-1.yaml', file), '--run-id', 'good-1']);
    expect(again.updated_at).toBe(run.updated_at);
    expect((await at.govctl(['run', 'submit', await at.file('other.yaml', `${file}# other\n`), '--run-id', 'good-1'])).code).toBe(10);
  });

  it('fails with its step, and says which and why', async () => {
    const steps = [shell('one', 'echo before'), shell('two', 'echo broken >&2; exit 3'), shell('three', 'echo never')];
    const run = await runToItsEnd(at, 'failing-1', jobFile(pin, { steps }), 21);
    expect(run).toMatchObject({ status: 'failed', reason: 'step two failed: exit code 3', decision: null });
    expect((await at.json<{ items: unknown[] }>(['incident', 'ls'])).items).toContainEqual(
      expect.objectContaining({ run_id: 'failing-1', error_code: 'run-failed' }),
    );
    expect(run.manifest.map(({ step, status }) => [step, status])).toEqual([
      ['one', 'success'],
      ['two', 'failed'],
    ]);
    expect((await at.govctl(['run', 'logs', 'failing-1', '--step', 'two'])).stdout).toBe('broken\n');
    const missing = await runToItsEnd(at, 'missing-1', jobFile(pin, { steps: ['{ name: gone, command: [no-such-program-here] }'] }), 21);
    expect(missing.reason).toContain("there is no program 'no-such-program-here'");
  });

  it('fails with a step that changes its pinned inputs, whatever that says of itself; a retry begins with what is pinned', async () => {
    const write = 'chmod u+w "$GOVCTL_INPUT_ORDERS"/orders.csv; echo 2,200 >> "$GOVCTL_INPUT_ORDERS"/orders.csv';
    const changed = await runToItsEnd(at, 'changed-1', jobFile(pin, { steps: [shell('one', write), shell('two', 'true')] }), 21);
    const reason = 'input orders: orders.csv is not what was pinned any more';
    expect(changed).toMatchObject({ status: 'failed', reason: `step one failed: ${reason}` });
    expect(changed.manifest).toMatchObject([{ step: 'one', status: 'failed', exit_code: 0, reason }]);
    const { stdout } = await at.govctl(['run', 'receipt', 'changed-1']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(reason);

    const added = shell('add', 'echo 2 > "$GOVCTL_INPUT_ORDERS"/more.csv');
    expect((await runToItsEnd(at, 'changed-2', jobFile(pin, { steps: [added] }), 21)).reason).toContain('more.csv was not pinned');

    // The first attempt counts the rows it added itself; the second sees what is pinned, and touching that changes nothing.
    const once = `wc -l < "$GOVCTL_INPUT_ORDERS"/orders.csv; touch "$GOVCTL_INPUT_ORDERS"/orders.csv; test -f mark && exit 0; touch mark; ${write}`;
    const retried = await runToItsEnd(at, 'changed-3', jobFile(pin, { steps: [shell('one', once, 'retries: 1')] }));
    expect(retried).toMatchObject({ status: 'succeeded', manifest: [{ step: 'one', status: 'success' }] });
    expect((await at.govctl(['run', 'logs', 'changed-3'])).stdout.trim().split('\n').at(-1)?.trim()).toBe('2');
  });

  it('is what the documentation shows', async () => {
    const fixtures = join(import.meta.dirname, '../fixtures/job');
    await at.file('books/january.csv', await readFile(join(fixtures, 'invoices/good.csv'), 'utf8'));
    const made = await at.json<{ snapshot_id: string }>([
      'snapshot',
      'create',
      join(at.folder, 'books'),
      '--dataset',
      'invoices',
      '--layer',
      'RAW',
    ]);
    const { snapshot_hash } = await at.json<{ snapshot_hash: string }>(['snapshot', 'get', made.snapshot_id]);
    const example = await readFile(join(fixtures, 'example.yaml'), 'utf8');
    expect(await readFile(join(import.meta.dirname, '../docs/job.md'), 'utf8')).toContain(example);
    const own = [
      ['SNAPSHOT', made.snapshot_id],
      ['sha256:...', snapshot_hash],
      ['/usr/bin/node', process.execPath],
      ['/srv/jobs', fixtures],
    ] as const;
    const file = own.reduce((text, [shown, here]) => text.replaceAll(shown, here), example);
    expect(await runToItsEnd(at, 'shown-1', file)).toMatchObject({
      status: 'succeeded',
      manifest: [{ step: 'count' }, { step: 'detect', signals: [{ name: 'findings', count: 1 }] }, { step: 'infer', status: 'success' }],
      outputs: [{ name: 'report', dataset_id: 'spend-report', file_count: 1 }],
    });
  });

  it('skips a step whose data is not there, and says what to do', async () => {
    const steps = [
      shell('look', 'true'),
      shell('infer', 'exit 1', 'requires: { inputs: [invoice] }'),
      shell('act', 'exit 1', 'requires: { signals: findings }'),
    ];
    const run = await runToItsEnd(at, 'gated-1', jobFile(pin, { steps }));
    expect(run.manifest).toMatchObject([
      { step: 'look', status: 'success' },
      { step: 'infer', status: 'skipped', reason: expect.stringMatching(/^input-/), next_action: expect.any(String) },
      { step: 'act', status: 'skipped', reason: 'signal-missing', takeaway: expect.any(String) },
    ]);
  });

  it('is denied by the packs that judge it, which cannot be left out', async () => {
    const early = jobFile(pin, { steps: [shell('one', 'true')] }).replace('2026-01-31', '9026-01-31');
    const run = await runToItsEnd(at, 'denied-1', early, 3);
    expect(run).toMatchObject({ phase: 'FAILED', status: 'failed_policy', decision: { decision: 'deny' }, outputs: [] });
    expect(run.reason).toContain('rule:jobs-default/labels-not-ahead');
  });

  it('tells every fault of a job file at once, and every condition of a start', async () => {
    const file = jobFile(pin, {
      steps: ['{ name: Bad Name, command: [] }', "{ name: two, command: [x, '--password=hunter2'], env: { API_TOKEN: x } }"],
    });
    const faulty = await at.govctl(['run', 'submit', await at.file('faulty.yaml', file)]);
    expect(faulty.code).toBe(2);
    for (const said of [
      'steps[0].name (line 9)',
      'steps[0].command (line 9)',
      'steps[1].command[1] (line 10)',
      'steps[1].env.API_TOKEN (line 10)',
    ])
      expect(faulty.stderr).toContain(said);
    const steps = [shell('one', 'true'), shell('two', 'true', 'requires: { inputs: [invoice] }')];
    const unready = jobFile({ ...pin, snapshot_hash: `sha256:${'0'.repeat(64)}` }, { steps }).replace('jobs-default', 'no-such-pack');
    const path = await at.file('unready.yaml', unready);
    const plan = await at.json<RunPlan>(['run', 'submit', path, '--dry-run'], 3);
    expect(plan.steps.map(({ would, depends_on }) => depends_on ?? would)).toEqual(['run', 'input orders, not looked at']);
    expect(plan.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['input orders', 'policy no-such-pack', 'policy']);
    const refused = await at.govctl(['run', 'submit', path, '--run-id', 'unready-1']);
    expect([refused.code, refused.stderr.includes('not what is pinned')]).toEqual([2, true]);
    expect((await at.govctl(['run', 'get', 'unready-1'])).code).toBe(11);
  });

  it('has its workspace to itself: a second one is refused calmly, and starts when the first has ended', async () => {
    const first = await at.file('first.yaml', jobFile(pin, { workspace: 'busy', steps: [shell('wait', 'sleep 60')] }));
    const second = await at.file('second.yaml', jobFile(pin, { workspace: 'busy', steps: [shell('quick', 'true')] }));
    const both = await Promise.all([
      at.govctl(['run', 'submit', first, '--run-id', 'busy-1']),
      at.govctl(['run', 'submit', first, '--run-id', 'busy-2']),
    ]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 10]);
    const refused = both.find(({ code }) => code === 10);
    const winner = both[0]?.code === 0 ? 'busy-1' : 'busy-2';
    expect(refused?.stderr).toContain(`run ${winner} holds it, at least until`);
    expect(refused?.stderr).toContain(`fix: govctl run watch ${winner}`);
    const stopped = await at.json<RunDocument>(['run', 'stop', winner, '--reason', 'make room', '--wait']);
    expect(stopped).toMatchObject({ phase: 'FAILED', status: 'cancelled', reason: 'make room' });
    expect(await at.json(['run', 'submit', second, '--run-id', 'busy-3', '--wait'])).toMatchObject({ status: 'succeeded' });
    expect(await at.json(['run', 'rerun', 'busy-3', '--run-id', 'busy-4', '--wait'])).toMatchObject({
      status: 'succeeded',
      rerun_of: 'busy-3',
    });
  });

  it.skipIf(storeKind !== 'postgres')('has its workspace to itself also among daemons on one database', async () => {
    const other = await deployHost(at);
    try {
      await other.start();
      const step = shell('alone', 'date +%s%N; sleep 2; date +%s%N');
      const file = await at.file('alone.yaml', jobFile(pin, { workspace: 'alone', steps: [step] }));
      const hosts = [at, other];
      const ran: string[] = [];
      for (const round of [1, 2]) {
        const runs = hosts.map((_, host) => `alone-${round}-${host}`);
        const asked = await Promise.all(hosts.map((host, n) => host.govctl(['run', 'submit', file, '--run-id', runs[n] ?? ''])));
        expect(asked.map(({ code }) => code).sort()).toEqual([0, 10]);
        const winner = runs[asked.findIndex(({ code }) => code === 0)] ?? '';
        ran.push(winner);
        await at.govctl(['run', 'watch', winner, '--timeout', '90s']);
        expect(await at.json(['run', 'get', winner])).toMatchObject({ status: 'succeeded' });
      }
      // One attempt of each, whoever ran it, and never two at a time.
      const attempts = await at.rows('govd', "SELECT run_id FROM job_step WHERE run_id LIKE 'alone-%' ORDER BY started_at");
      expect(attempts).toEqual(ran.map((run_id) => ({ run_id })));
      const times = await Promise.all(
        ran.map(async (run) => (await at.govctl(['run', 'logs', run])).stdout.trim().split('\n').map(Number)),
      );
      expect(times.flat()).toEqual(times.flat().toSorted((a, b) => a - b));
      expect(await at.json(['reconcile', '--run', ran[1] ?? ''])).toMatchObject({ clean: true, runs: [{ status: 'COMPLETE' }] });
    } finally {
      await other.remove();
    }
  });

  it('comes before a promotion, which waits for it, and is denied unless it succeeded', async () => {
    await govern(at);
    const promote = async (rows: string) => [
      'promote',
      'orders',
      '--from',
      'RAW',
      '--to',
      'GDP',
      '--snapshot',
      await goodSnapshot(at, rows),
    ];
    const work = [shell('work', 'sleep 3'), shell('infer', 'exit 9', 'requires: { inputs: [invoice] }')];
    const fine = await at.file('before.yaml', jobFile(pin, { workspace: 'before', steps: work }));
    const asked = await promote('9,900');
    // It is pinned to another version than the one that is promoted: that may be meant, and is said.
    const { stderr } = await at.govctl([...asked, '--job', fine, '--dry-run']);
    expect(stderr).toContain(`warning: the job works on ${pin.snapshot_id} of orders, not on`);
    expect(await at.json([...asked, '--job', fine, '--dry-run'])).toMatchObject({
      kind: 'Decision',
      decision: 'allow',
      job: {
        workspace: 'before',
        starts: true,
        steps: ['work', 'infer'],
        // Orders are no invoices, and nobody had to start the job to know.
        skips: [{ step: 'infer', takeaway: expect.stringContaining('None of the inputs holds invoices') }],
        next_action: expect.stringContaining('Pin an input with invoices'),
      },
    });
    const done = await at.json<PromotionDocument>([...asked, '--run-id', 'after-1', '--job', fine, '--wait']);
    expect(done).toMatchObject({ status: 'succeeded', job_run_id: 'after-1-job', decision: { decision: 'allow' } });
    expect(done.phases.map(({ event }) => event)).toContain('defer');
    expect(await at.json(['run', 'get', 'after-1-job'])).toMatchObject({ status: 'succeeded', promotions: ['after-1'] });

    const bad = await at.file('bad.yaml', jobFile(pin, { workspace: 'before', steps: [shell('work', 'sleep 1; exit 3')] }));
    const other = [...(await promote('8,800')), '--run-id', 'after-2', '--job', bad, '--wait'];
    const denied = await at.json<PromotionDocument>(other, 3);
    expect(denied).toMatchObject({ status: 'failed_policy', active: null, job_run_id: 'after-2-job' });
    expect(denied.decision?.gates.find(({ outcome }) => outcome === 'fail')).toMatchObject({
      reason_code: 'job-failed',
      resolve: { command: 'govctl run get after-2-job' },
    });
    expect(await at.json(['run', 'get', 'after-2-job'])).toMatchObject({ status: 'failed', promotions: ['after-2'] });
  });

  it('whose trace cannot be written goes on and is marked, or ends where that was asked: an incident either way', async () => {
    await traceSink(at, 'break');
    const steps = [shell('one', 'true'), shell('two', 'true')];
    // A job may be held to more than its deployment demands, never to less.
    const marked = await runToItsEnd(at, 'dark-1', jobFile(pin, { steps, extra: 'observability: PERMISSIVE' }));
    expect(marked).toMatchObject({
      status: 'succeeded',
      observability_status: 'DEGRADED',
      observability_error: expect.stringContaining(traceFault),
    });
    const ended = await runToItsEnd(at, 'dark-2', jobFile(pin, { steps, extra: 'observability: STRICT' }), 21);
    expect(ended).toMatchObject({ phase: 'FAILED', status: 'failed', observability_status: 'LOST', manifest: [] });
    expect(ended.reason).toMatch(new RegExp(`^trace cannot be written \\(STRICT\\): .*${traceFault}`));
    await traceSink(at, 'mend');

    const slow = jobFile(pin, { steps: [shell('wait', 'sleep 3'), shell('never', 'exit 9')], extra: 'observability: STRICT' });
    await at.json(['run', 'submit', await at.file('dark-3.yaml', slow), '--run-id', 'dark-3']);
    const begun = () => at.rows('govd', "SELECT run_id FROM job_step WHERE run_id = 'dark-3'");
    while ((await begun()).length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    await traceSink(at, 'break');
    await at.govctl(['run', 'watch', 'dark-3', '--timeout', '90s']);
    await traceSink(at, 'mend');
    const midway = await at.json<RunDocument>(['run', 'get', 'dark-3']);
    // What ran is on record all the same; nothing ran after it.
    expect(midway).toMatchObject({ status: 'failed', observability_status: 'LOST', manifest: [{ step: 'wait', status: 'success' }] });

    const { items } = await at.json<{ items: { run_id: string; error_code: string }[] }>(['incident', 'ls']);
    const dark = items.filter(({ error_code }) => error_code === 'trace-lost').map(({ run_id }) => run_id);
    expect(dark.sort()).toEqual(['dark-1', 'dark-2', 'dark-3']);
    const acks = await at.rows<{ state: string }>('govd', "SELECT state FROM run WHERE run_id IN ('dark-1', 'dark-2')");
    // Nobody acknowledges a trace that was never begun.
    for (const { state } of acks) expect(state).not.toContain('"action":"start_trace","result_id"');
  });
});
