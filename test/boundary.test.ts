import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern, requiredChecks, snapshotOf } from './orders.ts';
import { toldOf } from './told.ts';

type Envelope = { payloadType: string; payload: string; signatures: { keyid?: string; sig: string }[] };
type Signed = {
  decision: { decision: string; valid_until: string };
  decision_ref: string;
  envelope: Envelope;
  fence: number;
  expected_generation: number;
};
type Moved = { generation: number; already: boolean; snapshot_id: string };
type Promotion = { phase: string; status: string; active: { generation: number } | null };

/** The source's sequence over its four paths, with an orchestrator that is not govd. */
describe('the four role boundaries', () => {
  let at: Deployment;
  let policyRev = '';

  beforeAll(async () => {
    at = await deploy();
    await at.start();
    await govern(at);
    policyRev = (await at.json<{ policy_rev: string }>(['policy', 'show'])).policy_rev;
  });
  afterAll(async () => await at.remove());

  async function post<T>(path: string, body: unknown, status = 200): Promise<T> {
    const answer = await at.http('POST', path, body);
    expect(answer.status, answer.body).toBe(status);
    return JSON.parse(answer.body) as T;
  }

  async function bundleOf(run_id: string, snapshot: string) {
    const { snapshot_hash, service_release_id } = await at.json<{ snapshot_hash: string; service_release_id: string }>([
      'snapshot',
      'get',
      snapshot,
    ]);
    const contract = await at.json<{ version: number; contract: { policy_packs: unknown[] } }>(['contract', 'get', 'orders']);
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
      timestamp: new Date().toISOString(),
      checks: requiredChecks.map((name) => ({ name, status: 'passed', ran_at: new Date().toISOString() })),
      environment: 'local_parity',
      tenant_id: 'default',
      service_release_id,
      expected_policy_rev: policyRev,
    };
  }

  const move = (run_id: string, signed: Signed, change: Readonly<Record<string, unknown>> = {}) => ({
    from_layer: 'RAW',
    to_layer: 'GDP',
    dataset_id: 'orders',
    decision_ref: signed.decision_ref,
    run_id,
    fence: signed.fence,
    expected_generation: signed.expected_generation,
    decision: signed.envelope,
    ...change,
  });

  it('subscription answers before anything runs', async () => {
    expect(await post('/v1/subscription/check', { tenant: 'default', resources: { bytes: 1 } })).toMatchObject({ decision: 'allow' });
  });

  it('decides, moves once, and completes when the commit is confirmed', async () => {
    const snapshot = await snapshotOf(at, '1,1');
    const signed = await post<Signed>('/v1/governance/contracts/orders/promotions', { evidence: await bundleOf('remote-1', snapshot) });
    expect(signed.decision.decision).toBe('allow');
    expect(await at.json<Promotion>(['promotion', 'get', 'remote-1'])).toMatchObject({ phase: 'FINALIZING', active: null });

    const moved = await post<Moved>('/v1/store/promote', move('remote-1', signed));
    expect(moved).toMatchObject({ generation: 1, already: false, snapshot_id: snapshot });
    expect(await post<Moved>('/v1/store/promote', move('remote-1', signed))).toMatchObject({ generation: 1, already: true });
    // Moved, and not yet published: nobody confirmed it.
    expect(await at.json<Promotion>(['promotion', 'get', 'remote-1'])).toMatchObject({ phase: 'FINALIZING', status: 'incomplete' });

    const { snapshot_hash } = await at.json<{ snapshot_hash: string }>(['snapshot', 'get', snapshot]);
    const confirmation = { run_id: 'remote-1', decision_ref: signed.decision_ref, committed: true, snapshot_hash, generation: 1 };
    await post('/v1/governance/evidence', { ...confirmation, generation: 2 }, 422);
    expect(await post<Promotion>('/v1/governance/evidence', confirmation)).toMatchObject({ phase: 'COMPLETED', status: 'succeeded' });
    expect(await post<Promotion>('/v1/governance/evidence', confirmation)).toMatchObject({ phase: 'COMPLETED' });
    await at.json(['reconcile']);
    await at.json(['log', 'verify']);
  });

  it('moves nothing without an allow of exactly this', async () => {
    const snapshot = await snapshotOf(at, '2,2');
    const failing = { ...(await bundleOf('remote-denied', snapshot)), quality_score: 0.5 };
    const denied = await post<Signed>('/v1/governance/contracts/orders/promotions', { evidence: failing });
    expect(denied.decision.decision).toBe('deny');
    await post('/v1/store/promote', move('remote-denied', { ...denied, fence: 2 }), 422);

    const signed = await post<Signed>('/v1/governance/contracts/orders/promotions', { evidence: await bundleOf('remote-2', snapshot) });
    expect(signed.decision.decision).toBe('allow');
    const payload = JSON.parse(Buffer.from(signed.envelope.payload, 'base64').toString('utf8')) as {
      predicate: { decision: { subject: { to_layer: string } } };
    };
    payload.predicate.decision.subject.to_layer = 'KPI';
    const forged = Buffer.from(JSON.stringify(payload));
    const stranger = createPrivateKey(readFileSync(join(at.state, 'keys', 'token.key')));
    const pae = Buffer.concat([Buffer.from(`DSSEv1 28 application/vnd.in-toto+json ${forged.length} `), forged]);
    const strangerEnvelope = {
      ...signed.envelope,
      payload: forged.toString('base64'),
      signatures: [{ sig: sign(null, pae, stranger).toString('base64') }],
    };
    const refusals: [string, Readonly<Record<string, unknown>>, number][] = [
      ['an unknown run', { run_id: 'remote-none' }, 404],
      ['the decision of another run', { decision_ref: denied.decision_ref, decision: denied.envelope }, 422],
      ['an edited envelope', { decision: { ...signed.envelope, payload: forged.toString('base64') } }, 422],
      ['a stranger’s signature', { decision: strangerEnvelope }, 422],
      ['another layer', { to_layer: 'KPI' }, 422],
      ['an old fence', { fence: signed.fence - 1 }, 412],
      ['a fence of the future', { fence: signed.fence + 1 }, 412],
      ['another generation', { expected_generation: 7 }, 412],
      ['an unknown field', { force: true }, 400],
    ];
    for (const [what, change, status] of refusals) {
      const answer = await at.http('POST', '/v1/store/promote', move('remote-2', signed, change));
      expect(answer.status, `${what}: ${answer.body}`).toBe(status);
    }
    expect(await at.json<{ layers: { snapshot_id: string }[] }>(['dataset', 'active', 'orders'])).toMatchObject({
      layers: [{ layer: 'GDP', generation: 1 }],
    });

    // Somebody else moves the target first: the decision is for a state that is gone.
    const other = await goodSnapshot(at, '3,3');
    await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', other, '--run-id', 'between', '--wait']);
    await post('/v1/store/promote', move('remote-2', signed), 412);
    await at.json(['promotion', 'cancel', 'remote-2', '--reason', 'the target moved', '--yes']);
    // It was allowed, and its store never moved: others hear of that.
    expect(await toldOf(at, 'remote-2', 'store.promotion.failed')).toMatchObject([
      { layer: 'GDP', data: { decision_ref: signed.decision_ref, reason: 'the target moved', rolls_back: null } },
    ]);
    await at.json(['reconcile']);
  });

  it('asks a deferred decision again when its orchestrator comes back', async () => {
    const snapshot = await snapshotOf(at, '4,4');
    const old = {
      ...(await bundleOf('remote-3', snapshot)),
      checks: requiredChecks.map((name) => ({ name, status: 'passed', ran_at: '2020-01-01T00:00:00.000Z' })),
    };
    const first = await post<Signed>('/v1/governance/contracts/orders/promotions', { evidence: old });
    expect(first.decision.decision).toBe('defer');
    const again = await post<Signed>('/v1/governance/contracts/orders/promotions', { evidence: old });
    expect(again.decision_ref).toBe(first.decision_ref);
    await post('/v1/governance/contracts/orders/promotions', { evidence: { ...old, quality_score: 0.9 } }, 422);
    await at.json(['promotion', 'cancel', 'remote-3', '--reason', 'never mended', '--yes']);
  });
});
