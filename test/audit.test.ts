import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PromotionDocument } from '@govctl/core/promotion';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { jobFile, readyForJobs, shell } from './job-scene.ts';
import { goodSnapshot, govern, importQuality, junit, requiredChecks, snapshotOf } from './orders.ts';
import { storeKind } from './store.ts';
import { traceFault, traceSink } from './trace-sink.ts';

let at: Deployment;

beforeAll(async () => {
  at = await deploy();
  const config = join(at.state, 'govd.yaml');
  await writeFile(config, `${await readFile(config, 'utf8')}audit: { run_timeout: 4s, grace: 2s, check_every: 1s, reconcile_every: 5s }\n`);
  await at.start();
  await govern(at);
});
afterAll(async () => await at.remove());

const toGdp = (snapshot: string, ...more: string[]) => [
  'promote',
  'orders',
  '--from',
  'RAW',
  '--to',
  'GDP',
  '--snapshot',
  snapshot,
  ...more,
];

type Incident = {
  readonly incident_id: string;
  readonly state: string;
  readonly run_id: string | null;
  readonly resolve_reason: string | null;
};
type Acked = { readonly acks: readonly { readonly domain: string; readonly action: string; readonly result_id: string | null }[] };

const stateOf = async (run: string) => {
  const [row] = await at.rows<{ state: string }>('govd', `SELECT state FROM run WHERE run_id = '${run}'`);
  return JSON.parse(row?.state ?? '{}') as Acked;
};
const incidentAck = async (run: string) => (await stateOf(run)).acks.filter(({ action }) => action === 'create_incident');

/** What an orchestrator that is not this daemon submits; its checks were imported. */
async function bundleOf(run_id: string, snapshot: string) {
  type Snapshot = { snapshot_hash: string; service_release_id: string };
  const { snapshot_hash, service_release_id } = await at.json<Snapshot>(['snapshot', 'get', snapshot]);
  const contract = await at.json<{ version: number; contract: { policy_packs: unknown[] } }>(['contract', 'get', 'orders']);
  const timestamp = new Date().toISOString();
  return {
    run_id,
    subject_ref: 'orders',
    promotion_type: 'raw_to_gdp',
    snapshot_id: snapshot,
    snapshot_hash,
    quality_score: 1,
    rule_pack_version: `orders@${contract.version}`,
    policy_versions: contract.contract.policy_packs,
    inputs: [{ ref: `snapshot:${snapshot}`, digest: snapshot_hash }],
    signers: [],
    timestamp,
    checks: requiredChecks.map((name) => ({ name, status: 'passed', ran_at: timestamp })),
    environment: 'local_parity',
    tenant_id: 'default',
    service_release_id,
    expected_policy_rev: (await at.json<{ policy_rev: string }>(['policy', 'show'])).policy_rev,
  };
}

describe('incidents', () => {
  it('a clean run opens none, and says so', async () => {
    const snapshot = await goodSnapshot(at, '1,100');
    const done = await at.json<PromotionDocument>(toGdp(snapshot));
    expect(done).toMatchObject({ status: 'succeeded', incident_id: null, lesson: null });
    expect(await incidentAck(done.run_id)).toMatchObject([{ result_id: null }]);
    expect(await at.json(['incident', 'ls', '--run', done.run_id, '--all'])).toMatchObject({ items: [] });
    // What it owed, and what was there when it was done: the digest of what is active now, and of the record that says so.
    type Audited = { runs: { expectations: { status: string }[]; acks: { domain: string; observed: string | null }[] }[] };
    const [audited] = (await at.json<Audited>(['reconcile', '--run', done.run_id])).runs;
    expect(audited?.expectations.map(({ status }) => status)).toEqual(Array(6).fill('ACKED'));
    const seen = new Map(audited?.acks.map(({ domain, observed }) => [domain, observed]));
    const { snapshot_hash } = await at.json<{ snapshot_hash: string }>(['snapshot', 'get', snapshot]);
    expect([seen.get('store'), seen.get('evidence')]).toEqual([snapshot_hash, done.evidence?.ref]);
  });

  it('a denied run opens one in its own commit, acknowledges it, and leaves a lesson', async () => {
    const snapshot = await snapshotOf(at, '2,200');
    await importQuality(at, snapshot, junit({ failed: 'unique_orders_id' }));
    const denied = await at.json<PromotionDocument>(toGdp(snapshot), 3);
    const incident_id = denied.incident_id ?? '';
    expect(await incidentAck(denied.run_id)).toMatchObject([{ result_id: incident_id }]);
    const why = await at.json<{ lesson: { cause: string; next_action: string } }>(['why', denied.run_id]);
    expect(why.lesson).toMatchObject({ run_id: denied.run_id, cause: expect.stringContaining('denied by') });
    expect(why.lesson.next_action).toMatch(/^govctl quality import /);
    expect((await at.govctl(['why', denied.run_id])).stdout).toContain(`; next: ${why.lesson.next_action}`);
    expect(await at.json(['reconcile', '--run', denied.run_id])).toMatchObject({
      clean: true,
      runs: [{ status: 'COMPLETE', is_clean: true }],
    });
    const told = await at.govctl(['event', 'tail', '--from', '1', '--type', 'incident.*', '-o', 'ndjson']);
    expect(told.stdout).toContain(incident_id);

    expect(await at.json(['incident', 'ls'])).toMatchObject({
      items: [{ incident_id, state: 'open', run_id: denied.run_id, error_code: 'denied' }],
    });
    expect((await at.govctl(['incident', 'resolve', incident_id])).code).toBe(2);
    const resolved = await at.json<{ evidence_ref: string }>(['incident', 'resolve', incident_id, '--reason', 'supplier was told']);
    expect(await at.json(['evidence', 'get', resolved.evidence_ref])).toBeDefined();
    expect(await at.json<Incident>(['incident', 'get', incident_id])).toMatchObject({
      state: 'resolved',
      resolve_reason: 'supplier was told',
    });
    expect(await at.json(['incident', 'resolve', incident_id, '--reason', 'again'])).toMatchObject({
      evidence_ref: null,
      resolve_reason: 'supplier was told',
    });
    expect(await at.json(['incident', 'ls'])).toMatchObject({ items: [] });
    expect((await at.govctl(['incident', 'get', 'incident-0'])).code).toBe(11);
  });
});

describe('a run that nobody ends', () => {
  it('is found stale, marked, told of once, and settled when its end comes late', async () => {
    const snapshot = await snapshotOf(at, '3,300');
    const bundle = await bundleOf('left-alone', snapshot);
    const decided = await at.http('POST', '/v1/governance/contracts/orders/promotions', { evidence: bundle });
    const { decision } = JSON.parse(decided.body) as { decision?: { decision: string; gates: { outcome: string; reason: string }[] } };
    expect(decision?.gates.filter(({ outcome }) => outcome === 'fail' || outcome === 'defer')).toEqual([]);
    expect(decision?.decision).toBe('allow');
    // Its orchestrator is gone: nothing moves, nothing is confirmed.
    await expect
      .poll(async () => (await at.json<{ items: Incident[] }>(['incident', 'ls', '--run', 'left-alone'])).items, {
        timeout: 60_000,
        interval: 1000,
      })
      .toMatchObject([{ run_id: 'left-alone', state: 'open', error_code: 'stale', severity: 'high', run_status: 'running' }]);
    const report = await at.json<{ findings: { class: string; expected: string }[]; runs: unknown[] }>(
      ['reconcile', '--run', 'left-alone'],
      22,
    );
    expect(report.runs).toMatchObject([{ status: 'STALE', stale_run: true, is_clean: false }]);
    expect(report.findings.filter((finding) => finding.class === 'missing').map(({ expected }) => expected)).toEqual([
      'incidents/create_incident',
      'orchestrator/finalize_run',
      'store/promote',
      'evidence/append',
    ]);
    const { expectations } = (await stateOf('left-alone')) as unknown as { expectations: { action: string; status: string }[] };
    expect(expectations.filter(({ status }) => status === 'MISSING')).toHaveLength(4);
    const told = await at.govctl(['event', 'tail', '--from', '1', '--run', 'left-alone', '--type', 'audit.*', '-o', 'ndjson']);
    const events = told.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; data: { action: string } });
    expect(events.map(({ type, data }) => `${type} ${data.action}`).sort()).toEqual([
      'audit.reconciliation.missing append',
      'audit.reconciliation.missing create_incident',
      'audit.reconciliation.missing finalize_run',
      'audit.reconciliation.missing promote',
      'audit.reconciliation.stale finalize_run',
    ]);
    expect((await at.http('GET', '/metrics')).body).toMatch(/^govd_run_never_finalized_total 1$/m);

    // What is done late settles it: only the incident stays, for a person.
    await at.json(['promotion', 'cancel', 'left-alone', '--reason', 'its orchestrator is gone']);
    expect(await at.json(['reconcile', '--run', 'left-alone'])).toMatchObject({
      clean: true,
      runs: [
        {
          undone: [
            {
              domain: 'policies',
              action: 'evaluate_policy',
              status: 'ROLLED_BACK',
              rolled_back: true,
              rollback_reason: 'its orchestrator is gone',
              metadata: { rollback_phase: 'FINALIZING', rollback_success: true },
            },
          ],
        },
      ],
    });
  });
});

describe('the periodic reconciliation', () => {
  it('keeps its report, with the digest on record', async () => {
    type Reports = { items: { report_id: number; digest: string; evidence_ref: string; checked: { runs: number } }[] };
    const reports = async () => (await at.json<Reports>(['audit', 'reports'])).items;
    await expect.poll(async () => (await reports())[0]?.checked.runs ?? 0, { timeout: 60_000, interval: 1000 }).toBeGreaterThan(0);
    const newest = (await reports())[0];
    const report = await at.govctl(['audit', 'report', String(newest?.report_id), '-o', 'json']);
    expect(JSON.parse(report.stdout)).toMatchObject({ kind: 'Reconciliation', checked: newest?.checked });
    const listed = await at.json<{ items: { ref: string }[] }>(['evidence', 'ls', '--kind', 'governance-fact', '--limit', '500']);
    expect(listed.items.map(({ ref }) => ref)).toContain(newest?.evidence_ref);
    // A receipt names the first report that covers its run, and goes on to name that one.
    type Report = { report_id: number; as_of: string; digest: string };
    type Receipt = { audit: { report: Report | null }; ended_at: string };
    const receipt = async () => await at.json<Receipt>(['run', 'receipt', 'left-alone']);
    await expect.poll(async () => (await receipt()).audit.report, { timeout: 60_000, interval: 1000 }).not.toBeNull();
    const { audit, ended_at } = await receipt();
    const all = await at.json<{ items: Report[] }>(['audit', 'reports', '--limit', '500']);
    expect(all.items.findLast(({ as_of }) => as_of >= ended_at)).toMatchObject(audit.report ?? {});
    expect((await at.govctl(['audit', 'report', '999999'])).code).toBe(11);
    expect((await at.govctl(['audit', 'report', 'x'])).code).toBe(2);
  });
});

describe('a run that was damaged', () => {
  const keep = async (run: string, state: string) => {
    const sql = `UPDATE run SET state = '${state.replaceAll("'", "''")}' WHERE run_id = '${run}'`;
    if (at.postgres !== undefined) return void (await at.rows('govd', sql));
    const database = new Database(join(at.state, 'govd.db'));
    database.exec(sql);
    database.close();
  };

  it('is named, told of, and holds up nobody: others are looked at, and what waits behind it goes on', async () => {
    const stale = async (run: string, rows: string) => {
      const snapshot = await snapshotOf(at, rows);
      await importQuality(at, snapshot, junit({ ranAt: '2020-01-01T00:00:00Z' }));
      await at.json(toGdp(snapshot, '--run-id', run), 8);
      return snapshot;
    };
    await stale('damaged', '6,600');
    await stale('unasked', '6,601');
    const behind = await stale('behind', '7,700');
    const whole = JSON.stringify(await stateOf('damaged'));
    const asked = await stateOf('unasked');
    type Found = { findings: { check: string; class: string; subject: string; fix: string }[]; checked: { runs: number } };
    // Again, where a run was just being looked at and was written once more.
    const damage = async () => {
      await keep('damaged', whole.slice(0, -5));
      await keep('unasked', JSON.stringify({ ...asked, request: undefined }));
      const { findings, checked } = await at.json<Found>(['reconcile'], 22);
      expect(checked.runs).toBeGreaterThanOrEqual(3);
      return findings.filter(({ check }) => check === 'run-state');
    };
    await expect.poll(damage, { timeout: 60_000, interval: 500 }).toMatchObject([
      { class: 'invalid', subject: 'run/damaged', fix: expect.stringMatching(/^govctl evidence ls --run damaged/) },
      { class: 'invalid', subject: 'run/unasked' },
    ]);
    const told = async () =>
      (await at.govctl(['event', 'tail', '--from', '1', '--run', 'damaged', '--type', 'audit.reconciliation.invalid', '-o', 'ndjson']))
        .stdout;
    await expect.poll(told, { timeout: 60_000, interval: 1000 }).toContain('run_state');

    await importQuality(at, behind, junit());
    const status = async () => (await at.json<PromotionDocument>(['promotion', 'get', 'behind'])).status;
    await expect.poll(status, { timeout: 60_000, interval: 500 }).toBe('succeeded');

    await keep('damaged', whole);
    await keep('unasked', JSON.stringify(asked));
    for (const run of ['damaged', 'unasked']) await at.json(['promotion', 'cancel', run, '--reason', 'it was damaged']);
    expect(await at.json(['reconcile', '--run', 'damaged'])).toMatchObject({ clean: true });
  });
});

describe('a commit that fails', () => {
  it('leaves what it would have acknowledged, as rolled back, also when the daemon ends before it can be recorded', async () => {
    const asked = toGdp(await goodSnapshot(at, '5,500'), '--run-id', 'undone-1');
    for (const table of ['run', 'audit_ack']) await traceSink(at, 'break', table);
    const refused = await at.govctl(asked);
    expect([refused.code === 0, refused.stderr]).toEqual([false, expect.stringContaining('fix:')]);
    await at.stop('SIGKILL');
    await at.start();
    for (const table of ['run', 'audit_ack']) await traceSink(at, 'mend', table);
    expect(await at.json(asked)).toMatchObject({ status: 'succeeded' });
    type Undone = { runs: { status: string; undone: { action: string; rollback_reason: string }[] }[] };
    const undone = async () => (await at.json<Undone>(['reconcile', '--run', 'undone-1'])).runs[0]?.undone ?? [];
    await expect.poll(async () => (await undone()).length, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0);
    for (const { rollback_reason } of await undone()) expect(rollback_reason).toContain(traceFault);
    expect((await undone()).map(({ action }) => action)).toContain('finalize_run');
    expect(await at.json(['reconcile', '--run', 'undone-1'])).toMatchObject({ clean: true, runs: [{ status: 'COMPLETE' }] });
    type Receipt = { audit: { rolled_back?: { action: string; reason: string }[] } };
    const { audit } = await at.json<Receipt>(['run', 'receipt', 'undone-1']);
    expect(audit.rolled_back).toContainEqual(expect.objectContaining({ action: 'orchestrator/finalize_run' }));
    expect((await at.govctl(['run', 'receipt', 'undone-1'])).stdout).toContain('rolled back: orchestrator/finalize_run');
  });
});

// Drills of the source (13.7), with the real daemon killed at each point. What it acknowledges together it acknowledges in one commit: there is
// no point between create_incident and finalize_run, nor between the steps of a promotion that this daemon carries out itself.
describe('a worker that is killed', () => {
  const running = async (run: string) =>
    (await at.rows('govd', `SELECT pid FROM job_step WHERE run_id = '${run}' AND status = 'running' AND pid IS NOT NULL`)).length;
  const actions = async (run: string) => {
    const { findings, runs } = await at.json<{
      findings: { class: string; expected: string }[];
      runs: { status: string; stale_run: boolean }[];
    }>(['reconcile', '--run', run], 22);
    return { runs, missing: findings.filter((one) => one.class === 'missing').map(({ expected }) => expected) };
  };
  const stale = [{ status: 'STALE', stale_run: true }];

  // On PostgreSQL the clock is the database's, and cannot be moved.
  it.skipIf(storeKind === 'postgres')(
    'leaves runs that are found stale, with exactly what is missing: before any ack, after some, before the last',
    async () => {
      const pin = await readyForJobs(at);
      const slow = (workspace: string) =>
        jobFile(pin, { workspace, limits: '{ seconds: 120, cost_units: 10 }', steps: [shell('slow', 'sleep 900')] });
      // Without its trace a job begins with nothing acknowledged.
      await traceSink(at, 'break');
      await at.json(['run', 'submit', await at.file('no-acks.yaml', slow('no-acks')), '--run-id', 'no-acks']);
      await expect.poll(async () => await running('no-acks'), { timeout: 60_000 }).toBe(1);
      await traceSink(at, 'mend');
      await at.json(['run', 'submit', await at.file('some-acks.yaml', slow('some-acks')), '--run-id', 'some-acks']);
      await expect.poll(async () => await running('some-acks'), { timeout: 60_000 }).toBe(1);
      // An orchestrator that moved the pointer, and never came back to confirm.
      const post = async (path: string, body: unknown) => {
        const { status, body: said } = await at.http('POST', path, body);
        expect([path, status]).toEqual([path, 200]);
        return JSON.parse(said) as { decision_ref: string; fence: number; expected_generation: number; envelope: unknown };
      };
      const evidence = await bundleOf('not-confirmed', await snapshotOf(at, '4,400'));
      const signed = await post('/v1/governance/contracts/orders/promotions', { evidence });
      // And one that was allowed to, and did not even begin.
      await post('/v1/governance/contracts/orders/promotions', { evidence: await bundleOf('not-moved', await snapshotOf(at, '4,401')) });
      await post('/v1/store/promote', {
        from_layer: 'RAW',
        to_layer: 'GDP',
        dataset_id: 'orders',
        decision_ref: signed.decision_ref,
        run_id: 'not-confirmed',
        fence: signed.fence,
        expected_generation: signed.expected_generation,
        decision: signed.envelope,
      });
      await at.stop('SIGKILL');

      // The next daemon may not run jobs: nobody goes on with them. It comes when their time is over.
      const config = join(at.state, 'govd.yaml');
      await writeFile(config, `${await readFile(config, 'utf8')}runs: { jobs: { enabled: false } }\n`);
      await at.start({
        NODE_OPTIONS: `--import=${join(import.meta.dirname, 'fault/shifted-clock.mjs')}`,
        // Longer than a decision may be carried out.
        GOVCTL_TEST_CLOCK_SHIFT: '1200000',
      });
      const open = async () =>
        (await at.json<{ items: { run_id: string; error_code: string }[] }>(['incident', 'ls'])).items
          .filter(({ error_code }) => error_code === 'stale')
          .map(({ run_id }) => run_id)
          .sort();
      const expected = ['no-acks', 'not-confirmed', 'some-acks'];
      await expect
        .poll(async () => (await open()).filter((run) => expected.includes(run)), { timeout: 90_000, interval: 1000 })
        .toEqual(expected);
      const [incident, policy, trace, finalize] = [
        'incidents/create_incident',
        'policies/evaluate_policy',
        'logs/start_trace',
        'orchestrator/finalize_run',
      ];
      expect(await actions('no-acks')).toMatchObject({ runs: stale, missing: [incident, policy, trace, finalize] });
      expect(await actions('some-acks')).toMatchObject({ runs: stale, missing: [incident, policy, finalize] });
      expect(await actions('not-confirmed')).toMatchObject({ runs: stale, missing: [incident, finalize] });

      // What reconcile names mends them.
      for (const run of ['no-acks', 'some-acks']) {
        await at.json(['run', 'stop', run, '--reason', 'its worker is gone', '--wait']);
        expect(await at.json(['reconcile', '--run', run])).toMatchObject({ clean: true });
      }
      type Finding = { check: string; subject: string; observed: string; fix: string; fixed?: string };
      const intents = async (...more: string[]) =>
        (await at.json<{ findings: Finding[] }>(['reconcile', ...more], 22)).findings
          .filter(({ check }) => check === 'intent')
          .sort((one, other) => one.subject.localeCompare(other.subject));
      expect(await intents()).toMatchObject([
        { subject: 'run/not-confirmed', observed: expect.stringContaining('nobody confirmed it'), fix: 'govctl reconcile --fix' },
        { subject: 'run/not-moved', observed: expect.stringContaining('its decision ended at'), fix: 'govctl reconcile --fix' },
      ]);
      const [finished, givenUp] = await intents('--fix');
      expect(finished?.fixed).toMatch(/^finished, recorded as sha256:/);
      expect(givenUp?.fixed).toContain('given up');
      expect(await at.json(['promotion', 'get', 'not-confirmed'])).toMatchObject({ phase: 'COMPLETED', status: 'succeeded' });
      expect(await at.json(['promotion', 'get', 'not-moved'])).toMatchObject({ phase: 'FAILED', status: 'cancelled', active: null });
      expect(await at.json(['evidence', 'get', finished?.fixed?.split(' ').at(-1) ?? ''])).toBeDefined();
      type Undone = { clean: boolean; runs: { undone: { action: string }[] }[] };
      const after = await at.json<Undone>(['reconcile', '--run', 'not-moved']);
      expect([after.clean, after.runs[0]?.undone.map(({ action }) => action)]).toEqual([true, ['evaluate_policy']]);
      expect(await at.json(['reconcile', '--run', 'not-confirmed'])).toMatchObject({ clean: true });
      await at.json(['log', 'verify']);
    },
  );
});
