import type { PromotionDocument } from '@govctl/core/promotion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern, importQuality, junit, snapshotOf } from './orders.ts';

let at: Deployment;

beforeAll(async () => {
  at = await deploy();
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
