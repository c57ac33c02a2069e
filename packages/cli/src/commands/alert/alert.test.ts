import { Problem, type RouteList, type RouteResponse } from '@govctl/core/api';
import { describe, expect, it } from 'vitest';
import { fakeClient } from '../../command.fixture.ts';
import { bodies, programIn } from '../promotion/promotion.fixture.ts';
import { alertCommands } from './declaration.ts';

const govctl = programIn(() => '/', alertCommands);

type AlertList = RouteResponse<RouteList['alert.ls']>;
type Item = AlertList['items'][number];

const fires: Item = {
  tenant_id: 'default',
  alert_key: 'run.failed/orders/GDP',
  state: 'firing',
  severity: 'high',
  domain: 'runs',
  summary: 'Run r1 failed: checks',
  fix: 'govctl why r1',
  dataset_id: 'orders',
  run_id: 'r1',
  event_id: '12.3',
  first_at: '2026-11-21T11:00:00.000Z',
  last_at: '2026-11-21T11:59:00.000Z',
  occurrences: 42,
  resolved_at: null,
  resolved_why: null,
  told: ['log', 'webhook/ops'],
  owed: [],
  sent_at: '2026-11-21T11:00:01.000Z',
  last_error: null,
  held: null,
  suppressed: { DUPLICATE: 41 },
  parent_key: null,
  silence: null,
};

const list = (items: Item[], more: Partial<AlertList> = {}): AlertList => ({
  schemaVersion: 'govctl/v1',
  kind: 'AlertList',
  tenant_id: 'default',
  items,
  suppressed: {},
  overflow: 0,
  sent_last_hour: 0,
  per_hour: 100,
  ...more,
});

describe('alert ls', () => {
  it('shows what fires, who was told, how often it was quiet and why, and what shows more', async () => {
    const client = fakeClient({ 'alert.ls': () => list([fires], { suppressed: { DUPLICATE: 41 }, sent_last_hour: 1, overflow: 7 }) });
    const { code, stdout } = await govctl(['alert', 'ls'], client);
    expect(code).toBe(0);
    for (const text of ['run.failed/orders/GDP', '42', 'log, webhook/ops', 'DUPLICATE 41', 'govctl why r1']) expect(stdout).toContain(text);
    expect(stdout).toContain('told: 1 of at most 100 in the last hour\n');
    expect(stdout).toContain('not listed: 7 firings');
    expect(client.calls).toEqual([{ name: 'alert.ls', input: { query: { tenant_id: 'default' } } }]);
  });

  it.each<[string, Partial<Item>, string]>([
    ['is held back', { held: 'DOMAIN_COOLDOWN', told: [] }, 'nobody yet: DOMAIN_COOLDOWN'],
    ['could not be sent', { told: [], owed: ['webhook/ops'], last_error: 'it answered 500' }, 'owed to webhook/ops: it answered 500'],
    [
      'is silenced',
      { silence: { until: '2026-11-21T13:00:00.000Z', reason: 'known', by: 'HUMAN::ann' } },
      'silenced until 2026-11-21T13:00:00.000Z by HUMAN::ann: known',
    ],
    [
      'is over',
      { state: 'resolved', resolved_at: fires.last_at, resolved_why: 'a run of the same target succeeded' },
      'a run of the same target succeeded',
    ],
  ])('says of one that %s that it is', async (_what, change, said) => {
    const { stdout } = await govctl(['alert', 'ls', '--all'], fakeClient({ 'alert.ls': () => list([{ ...fires, ...change }]) }));
    expect(stdout).toContain(said);
  });

  it('says when nothing fires; asks for those that are over, and for a tenant, where told', async () => {
    const client = fakeClient({ 'alert.ls': () => list([]) });
    expect((await govctl(['alert', 'ls', '--all', '--tenant', 'acme'], client)).stdout).toBe(
      'nothing fires\ntold: 0 of at most 100 in the last hour\nsuppressed: nothing\n',
    );
    expect(client.calls[0]?.input).toEqual({ query: { tenant_id: 'acme', all: 'true' } });
    expect((await govctl(['alert', 'ls', '-o', 'json'], client)).json()).toMatchObject({ kind: 'AlertList', items: [] });
  });
});

describe('alert silence', () => {
  const silence = ['alert', 'silence', 'run.failed/orders/GDP', '--reason', 'etl is being mended'];
  const answer: RouteResponse<RouteList['alert.silence']> = {
    schemaVersion: 'govctl/v1',
    kind: 'Alert',
    ...fires,
    silence: { until: '2026-11-21T13:30:00.000Z', reason: 'etl is being mended', by: 'HUMAN::ann' },
    evidence_ref: `sha256:${'a'.repeat(64)}`,
  };

  it('sends for how long and why, and shows what is on record', async () => {
    const client = fakeClient({ 'alert.silence': () => answer });
    const { code, json } = await govctl([...silence, '--for', '90m', '--tenant', 'acme', '-o', 'json'], client);
    expect([code, bodies(client)]).toEqual([
      0,
      [{ tenant_id: 'acme', alert_key: 'run.failed/orders/GDP', for_s: 5400, reason: 'etl is being mended' }],
    ]);
    expect(json()).toMatchObject({ kind: 'Alert', evidence_ref: answer.evidence_ref, silence: { by: 'HUMAN::ann' } });
  });

  it.each([
    [[...silence, '--for', '31d'], '--for is 1s to 30d'],
    [[...silence, '--for', '1ms'], '--for is 1s to 30d'],
    [[...silence, '--for', 'soon'], 'for'],
    [silence, '--for'],
    [['alert', 'silence', 'k', '--for', '1h'], '--reason'],
    [['alert', 'silence', '--for', '1h', '--reason', 'why not'], 'key'],
  ])('%j is wrong usage, and nothing is sent', async (argv, said) => {
    const client = fakeClient();
    const { code, stderr } = await govctl(argv, client);
    expect(code).toBe(2);
    expect(stderr.toLowerCase()).toContain(said);
    expect(client.calls).toEqual([]);
  });

  it('of an alert that is not there ends with the code for that, and what shows those that are', async () => {
    const client = fakeClient({
      'alert.silence': () => {
        throw new Problem('not-found', { detail: 'no alert k of tenant default', hint: 'govctl alert ls --all' });
      },
    });
    const { code, stderr } = await govctl(['alert', 'silence', 'k', '--for', '1h', '--reason', 'why not'], client);
    expect(code).toBe(11);
    expect(stderr).toContain('fix: govctl alert ls --all');
  });
});
