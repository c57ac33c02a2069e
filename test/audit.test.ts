import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PromotionDocument } from '@govctl/core/promotion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern, importQuality, junit, requiredChecks, snapshotOf } from './orders.ts';

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
    const done = await at.json<PromotionDocument>(toGdp(await goodSnapshot(at, '1,100')));
    expect(done).toMatchObject({ status: 'succeeded', incident_id: null, lesson: null });
    expect(await incidentAck(done.run_id)).toMatchObject([{ result_id: null }]);
    expect(await at.json(['incident', 'ls', '--run', done.run_id, '--all'])).toMatchObject({ items: [] });
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
