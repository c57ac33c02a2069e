import type { ReconcileFinding, RouteList, RouteResponse } from '@govctl/core/api';
import { describe, expect, it } from 'vitest';
import { fakeClient } from '../../command.fixture.ts';
import { datasetCommands } from '../dataset/declaration.ts';
import { holdCommands } from '../hold/declaration.ts';
import { bodies, programIn } from '../promotion/promotion.fixture.ts';
import { auditCommands, reconcileCommand } from './declaration.ts';

const govctl = programIn(() => '/', [reconcileCommand, ...auditCommands, ...holdCommands, ...datasetCommands]);
const digest = `sha256:${'a'.repeat(64)}`;

const finding: ReconcileFinding = {
  class: 'world',
  check: 'pointer-object',
  severity: 'high',
  subject: 'orders/GDP',
  expected: 'every object of snap-1',
  observed: '1 missing: orders.csv',
  age_s: 90_061,
  fix: 'govctl snapshot create DIR --dataset orders --layer RAW, from the same content',
};

function reconciled(findings: ReconcileFinding[]): RouteResponse<RouteList['reconcile.run']> {
  return {
    schemaVersion: 'govctl/v1',
    kind: 'Reconciliation',
    as_of: '2026-11-21T12:00:00.000Z',
    findings,
    checked: { runs: 3, pointers: 2, locks: 0 },
    clean: findings.every(({ fixed }) => fixed !== undefined),
  };
}

describe('reconcile', () => {
  it('exits 0 only if nothing is found, and says what it compared', async () => {
    const clean = await govctl(['reconcile'], fakeClient({ 'reconcile.run': () => reconciled([]) }));
    expect(clean.code).toBe(0);
    expect(clean.stdout).toMatch(/^clean, as of /);
    expect(clean.stdout).toMatch(/runs +3\n +pointers +2\n +locks +0\n/);
    const found = await govctl(['reconcile', '-o', 'json'], fakeClient({ 'reconcile.run': () => reconciled([finding]) }));
    expect(found.code).toBe(22);
    expect(found.json()).toMatchObject({ kind: 'Reconciliation', clean: false, findings: [finding] });
  });

  it('shows a person what was expected and observed, how old it is, and the command that mends it', async () => {
    const { stdout } = await govctl(['reconcile'], fakeClient({ 'reconcile.run': () => reconciled([finding]) }));
    expect(stdout).toMatch(/^1 finding, as of /);
    for (const text of ['world/pointer-object', finding.subject, finding.expected, finding.observed, '1d 1h', finding.fix])
      expect(stdout).toContain(text);
  });

  it('shows of one run what it owes, what it says it did with what was there, and what was undone', async () => {
    const at = '2026-11-21T11:00:00.000Z';
    const observed = `sha256:${'a'.repeat(64)}`;
    const owed = { domain: 'store', action: 'promote', deadline_ms: 5000, status: 'ACKED' as const };
    const ack = { domain: 'store', action: 'promote', result_id: 'snap-1', error: null, observed, at };
    const audit = {
      run_id: 'run-1',
      status: 'INCOMPLETE' as const,
      ...{ missing_actions: ['logs/start_trace'], drift_actions: ['billing/charge'], stale_run: false, is_clean: false },
      expectations: [owed, { ...owed, domain: 'logs', action: 'start_trace', status: 'MISSING' as const }],
      acks: [ack, { ...ack, domain: 'billing', action: 'charge', observed: null }, { ...ack, error: 'disk full' }],
      undone: [
        {
          ...{ domain: 'evidence', action: 'append', result_id: null, status: 'ROLLED_BACK' as const, rolled_back: true as const, at },
          ...{ rollback_reason: 'it was cancelled', metadata: {} },
        },
      ],
    };
    const { stdout } = await govctl(
      ['reconcile', '--run', 'run-1'],
      fakeClient({ 'reconcile.run': () => ({ ...reconciled([]), runs: [audit] }) }),
    );
    for (const line of [
      new RegExp(`store/promote +acknowledged +${at} +${observed}\\n`),
      new RegExp(`store/promote +failed +${at} +disk full\\n`),
      /logs\/start_trace +missing +- +-\n/,
      new RegExp(`billing/charge +not expected +${at} +-\\n`),
      new RegExp(`evidence/append +rolled back +${at} +it was cancelled\\n`),
    ])
      expect(stdout).toMatch(line);
  });

  it('does not count what was mended, and still shows it', async () => {
    const client = fakeClient({ 'reconcile.run': () => reconciled([{ ...finding, fixed: 'the lock was released' }]) });
    const { code, stdout } = await govctl(['reconcile', '--fix', '--run', 'run-1', '--since', '2026-11-21T12:00:00+01:00'], client);
    expect([code, bodies(client)]).toEqual([0, [{ fix: true, run_id: 'run-1', since: '2026-11-21T11:00:00.000Z' }]]);
    expect(stdout).toMatch(/^clean \(1 mended\)/);
    expect(stdout).toContain('the lock was released');
  });
});

const hold = {
  hold_id: 'hold-1',
  tenant_id: 'default',
  dataset_id: 'orders',
  layer: 'GDP' as const,
  reason: 'rolled back by run-2: doubled rows',
  run_id: 'run-2',
  placed_at: '2026-11-21T00:00:00.000Z',
  placed_by: 'HUMAN::ada',
  lifted_at: null,
  lifted_by: null,
  lift_reason: null,
};
const owed = {
  audit_id: 'audit-1',
  run_id: 'run-2',
  tenant_id: 'default',
  dataset_id: 'orders',
  layer: 'GDP' as const,
  owner: 'data-platform',
  reason: 'doubled rows',
  opened_at: '2026-11-21T00:00:00.000Z',
  due_at: '2026-11-22T00:00:00.000Z',
  overdue: true,
  closed_at: null,
  closed_by: null,
  close_reason: null,
};

describe('hold and audit', () => {
  it('list what stands, with the command that clears it', async () => {
    const client = fakeClient({
      'hold.ls': () => ({ schemaVersion: 'govctl/v1', kind: 'HoldList', items: [hold] }),
      'audit.overdue': () => ({
        schemaVersion: 'govctl/v1',
        kind: 'PendingAuditList',
        items: [owed, { ...owed, audit_id: 'audit-2', overdue: false }],
      }),
    });
    const holds = await govctl(['hold', 'ls'], client);
    expect(holds.stdout).toContain('govctl hold lift hold-1 --reason TEXT');
    expect((await govctl(['hold', 'ls', '-o', 'name'], client)).stdout).toBe('hold-1\n');
    const audits = await govctl(['audit', 'overdue'], client);
    expect(audits.stdout).toMatch(/audit-1 +overdue .* data-platform/);
    expect(audits.stdout).toMatch(/audit-2 +open /);
    expect((await govctl(['audit', 'overdue', '-o', 'name'], client)).stdout).toBe('audit-1\naudit-2\n');
  });

  it('say none where there is none', async () => {
    const client = fakeClient({
      'hold.ls': () => ({ schemaVersion: 'govctl/v1', kind: 'HoldList', items: [] }),
      'audit.overdue': () => ({ schemaVersion: 'govctl/v1', kind: 'PendingAuditList', items: [] }),
    });
    expect((await govctl(['hold', 'ls'], client)).stdout).toBe('none\n');
    expect((await govctl(['audit', 'overdue'], client)).stdout).toBe('none\n');
  });

  it('clear only with a reason', async () => {
    const client = fakeClient({
      'hold.lift': ({ body }) => ({ schemaVersion: 'govctl/v1', kind: 'Hold', ...hold, lift_reason: body.reason, evidence_ref: digest }),
      'audit.close': ({ body }) => ({
        schemaVersion: 'govctl/v1',
        kind: 'PendingAudit',
        ...owed,
        close_reason: body.reason,
        evidence_ref: digest,
      }),
    });
    expect((await govctl(['hold', 'lift', 'hold-1'], client)).code).toBe(2);
    expect((await govctl(['audit', 'close', 'audit-1'], client)).code).toBe(2);
    expect(client.calls).toEqual([]);
    expect((await govctl(['hold', 'lift', 'hold-1', '--reason', 'mended'], client)).code).toBe(0);
    expect((await govctl(['audit', 'close', 'audit-1', '--reason', 'double delivery', '-o', 'name'], client)).stdout).toBe('audit-1\n');
    expect(bodies(client)).toEqual([{ reason: 'mended' }, { reason: 'double delivery' }]);
  });
});

const move = {
  layer: 'GDP' as const,
  generation: 1,
  snapshot_id: 'snap-1',
  snapshot_hash: digest,
  run_id: 'run-1',
  decision_ref: digest,
  fence: 1,
  moved_at: '2026-11-21T00:00:00.000Z',
  flagged: null,
};

describe('dataset', () => {
  it('history --at ends there', async () => {
    const client = fakeClient({
      'dataset.history': () => ({
        schemaVersion: 'govctl/v1',
        kind: 'DatasetHistory',
        tenant_id: 'default',
        dataset_id: 'orders',
        moves: [move, { ...move, generation: 2, snapshot_id: 'snap-2', moved_at: '2026-11-22T00:00:00.000Z' }],
      }),
    });
    const at = (...flags: string[]) => govctl(['dataset', 'history', 'orders', '--tenant', 'default', '-o', 'name', ...flags], client);
    expect((await at()).stdout).toBe('snap-1\nsnap-2\n');
    expect((await at('--at', '2026-11-22T00:00:00Z')).stdout).toBe('snap-1\nsnap-2\n');
    expect((await at('--at', '2026-11-21T23:59:59.999Z')).stdout).toBe('snap-1\n');
  });

  it('active shows each layer, what is wrong with it, and what holds it', async () => {
    const { hold_id, layer, reason, run_id, placed_at } = hold;
    const client = fakeClient({
      'dataset.active': () => ({
        schemaVersion: 'govctl/v1',
        kind: 'DatasetActive',
        tenant_id: 'default',
        dataset_id: 'orders',
        at: null,
        layers: [{ ...move, flagged: 'quarantined: doubled rows' }],
        holds: [{ hold_id, layer, reason, run_id, placed_at }],
      }),
    });
    const { stdout } = await govctl(['dataset', 'active', 'orders', '--tenant', 'default'], client);
    expect(stdout).toMatch(/^orders \(tenant default\) now\n/);
    for (const text of ['snap-1', 'quarantined: doubled rows', 'on hold', 'govctl hold lift hold-1 --reason TEXT'])
      expect(stdout).toContain(text);
  });

  it('ls shows datasets of which nothing is ACTIVE too', async () => {
    const client = fakeClient({
      'dataset.ls': () => ({
        schemaVersion: 'govctl/v1',
        kind: 'DatasetList',
        items: [
          {
            tenant_id: 'default',
            dataset_id: 'orders',
            active: [{ layer: 'GDP', snapshot_id: 'snap-1', generation: 4, moved_at: move.moved_at }],
          },
          { tenant_id: 'default', dataset_id: 'fresh', active: [] },
        ],
      }),
    });
    const { stdout } = await govctl(['dataset', 'ls'], client);
    expect(stdout).toMatch(/orders +GDP +snap-1 +4/);
    expect(stdout).toMatch(/fresh +nothing ACTIVE/);
    expect((await govctl(['dataset', 'ls', '-o', 'name'], client)).stdout).toBe('orders\nfresh\n');
  });
});
