import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../../../../test/postgres/binaries.ts';
import { type Database, PostgresReader } from '../db/index.ts';
import { testDatabase } from '../db/postgres.fixture.ts';
import { testJournal } from '../journal/journal.fixture.ts';
import type { Pace } from './pace.ts';
import { reconcileAll } from './reconcile-all.ts';
import type { FoundOfRun, ReconcileDependencies } from './reconcile-scope.ts';

const now = '2026-11-27T12:00:00.000Z';
const early = '2026-11-26T12:00:00.000Z';
const late = '2026-11-27T11:00:00.000Z';
/** Two rows at a time: everything here takes several pages. */
const pace: Pace = { rows: () => 2, rest: async () => {} };

type Value = string | number | null | Uint8Array;
type Row = Readonly<Record<string, Value>>;
type Bed = { readonly database: Database; insert(table: string, row: Row): Promise<void>; close(): Promise<void> };

const expected = ['incidents/create_incident', 'policies/evaluate_policy', 'logs/start_trace', 'orchestrator/finalize_run'];
const actions = expected.map((name) => name.split('/') as [string, string]);
const ended = [
  { phase: 'CREATED', status: 'queued', event: 'create', at: early },
  { phase: 'COMPLETED', status: 'succeeded', event: 'commit', at: early },
];
const stateOf = (generation: number, error: string | null, incident: string | null = null) => ({
  reply_format: 1,
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  authorization_decision: { outcome: 'allowed', actor_id: 'HUMAN::a', authenticated_by: 'api-key:a' },
  segments: [{ n: 1, policy_rev: null, config_digest: null, from: early }],
  phases: ended,
  expectations: actions.map(([domain, action]) => ({ domain, action, deadline_ms: 5000, status: 'ACKED' })),
  acks: actions.map(([domain, action], at) => ({
    domain,
    action,
    result_id: at === 0 ? incident : null,
    error: at === 0 ? error : null,
    observed: null,
    at: early,
  })),
  active: { dataset_id: 'orders', layer: 'GDP', snapshot_id: 's', generation, decision_ref: 'd' },
});

/** Nine promotions, of which some are not what they say; and what was done for runs that are not there. */
async function fill({ insert }: Bed): Promise<void> {
  let leaf = 0;
  const record = async (ref: string, kind: string, run_id: string, recorded_at = early) => {
    const bytes = Buffer.from(ref);
    await insert('record', {
      leaf_index: leaf,
      ref,
      kind,
      run_id,
      tenant_id: 'default',
      dataset_id: 'orders',
      recorded_at,
      leaf_hash: bytes,
      body: bytes,
    });
    leaf += 1;
  };
  for (let n = 1; n <= 9; n += 1) {
    const run_id = `run-${n}`;
    const updated_at = n === 9 ? late : early;
    // The pointer of run 4 stands elsewhere than its run says: it is there all the same.
    const incident = { 1: 'incident-2', 8: 'incident-gone' }[n] ?? null;
    const state = JSON.stringify(stateOf(n === 4 ? 400 : n, n === 5 ? 'the incident could not be written' : null, incident));
    const target = { tenant_id: 'default', dataset_id: 'orders', from_layer: 'RAW', to_layer: 'GDP', snapshot_id: 's' };
    const asked = { actor_id: 'HUMAN::a', request_digest: 'r', revision: 1, created_at: early, updated_at, policy_activation: 1 };
    const refs = { decision: 'allow', decision_ref: `decision-${n}`, evidence_ref: `promotion-${n}` };
    await insert('run', { run_id, kind: 'promotion', ...target, ...asked, phase: 'COMPLETED', status: 'succeeded', ...refs, state });
    if (n !== 2) await record(`decision-${n}`, 'decision', run_id, updated_at);
    if (n !== 6) await record(`promotion-${n}`, 'promotion', run_id, updated_at);
    const place = { tenant_id: 'default', dataset_id: 'orders', layer: 'GDP', generation: n };
    if (n !== 3)
      await insert('pointer', {
        ...place,
        snapshot_id: 's',
        snapshot_hash: `hash-${n}`,
        run_id,
        decision_ref: `decision-${n}`,
        fence: n,
        moved_at: updated_at,
      });
  }
  await record('decision-ghost', 'decision', 'ghost', late);
  await record('fact-ghost', 'governance-fact', 'ghost');
  const incident = {
    tenant_id: 'default',
    dataset_id: null,
    kind: 'run',
    run_status: null,
    error_code: 'denied',
    severity: 'high',
    reason: 'x',
  };
  await insert('incident', { incident_id: 'incident-1', run_id: 'phantom', ...incident, opened_at: early });
  await insert('incident', { incident_id: 'incident-2', run_id: 'run-1', ...incident, opened_at: early });
  await insert('incident', { incident_id: 'incident-3', run_id: null, ...incident, opened_at: early });
}

/** Rows as a failing disk, or a hand, leaves them. */
async function damage({ insert }: Bed): Promise<void> {
  const target = { tenant_id: 'default', dataset_id: 'parcels', from_layer: 'RAW', to_layer: 'GDP', snapshot_id: 's' };
  const run = async (run_id: string, state: string, row: Row) =>
    await insert('run', {
      ...{ run_id, kind: 'promotion', ...target, actor_id: 'HUMAN::a', request_digest: 'r', revision: 1 },
      ...{ created_at: early, updated_at: early, policy_activation: 1, ...row, state },
    });
  const record = async (leaf_index: number, ref: string, kind: string, run_id: string, payload: string) => {
    const bytes = Buffer.from(ref);
    const whose = { tenant_id: 'default', dataset_id: 'parcels', recorded_at: early };
    await insert('record', { leaf_index, ref, kind, run_id, ...whose, leaf_hash: bytes, body: bytes });
    await insert('record_payload', { leaf_index, payload: Buffer.from(payload) });
  };
  const whole = JSON.stringify(stateOf(1, null));
  const succeeded = { phase: 'COMPLETED', status: 'succeeded' };
  await run('torn', whole.slice(0, -20), { ...succeeded, decision_ref: 'decision-torn', evidence_ref: 'promotion-torn' });
  await record(100, 'decision-torn', 'decision', 'torn', '{}');
  await record(101, 'promotion-torn', 'promotion', 'torn', '{}');
  const moved = { snapshot_id: 's', snapshot_hash: 'hash-unreadable', run_id: 'torn', decision_ref: 'decision-torn', fence: 1 };
  await insert('pointer', { tenant_id: 'default', dataset_id: 'parcels', layer: 'GDP', generation: 1, ...moved, moved_at: early });
  await run('unlike', whole.replace('"acks":[{"domain":"incidents"', '"acks":[{"domain":7'), succeeded);
  const undecided = {
    ...stateOf(1, null),
    active: undefined,
    phases: [...ended.slice(0, 1), { phase: 'FINALIZING', status: 'running', event: 'allow', at: early }],
  };
  await run('undecided', JSON.stringify(undecided), { phase: 'FINALIZING', status: 'running', decision_ref: 'decision-undecided' });
  await record(102, 'decision-undecided', 'decision', 'undecided', '{"predicate":');
  await run(
    'unasked',
    JSON.stringify({ ...undecided, phases: [{ phase: 'GOVERNANCE_CHECK', status: 'deferred', event: 'defer', at: early }] }),
    {
      phase: 'GOVERNANCE_CHECK',
      status: 'deferred',
    },
  );
  const queued = { ...undecided, phases: [{ phase: 'AUTHORIZED', status: 'queued', event: 'authorize', at: early }] };
  await run('no-file', JSON.stringify(queued), { kind: 'job', to_layer: null, phase: 'AUTHORIZED', status: 'queued' });
  const job = { tenant_id: 'default', workspace: 'parcels', job_kind: 'analysis', job_digest: 'd', actor: '{}', outputs: '[]' };
  await insert('job', { run_id: 'no-file', ...job, source: 'apiVersion: govctl/v0' });
  const ack = { domain: 'store', action: 'promote', result_id: null, status: 'ROLLED_BACK', rollback_reason: 'x', at: early };
  await insert('audit_ack', { run_id: 'run-1', ...ack, metadata: '{"rollback_phase":' });
}

function sqliteBed(): Bed {
  const at = testJournal();
  return {
    database: at.database,
    async insert(table, row) {
      const names = Object.keys(row);
      at.handle
        .prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`)
        .run(...Object.values(row));
    },
    close: async () => at.close(),
  };
}

async function postgresBed(): Promise<Bed> {
  const database = await testDatabase('reconcile');
  const reader = new PostgresReader(database.daemon, 2);
  return {
    database: reader,
    async insert(table, row) {
      const names = Object.keys(row);
      const places = names.map((_, at) => `$${at + 1}`);
      await database.query(`INSERT INTO govctl.${table} (${names.join(', ')}) VALUES (${places.join(', ')})`, Object.values(row));
    },
    async close() {
      await reader.close();
      await database.close();
    },
  };
}

const postgres = postgresAvailability();
const beds: readonly (readonly [string, () => Bed | Promise<Bed>])[] = [
  ['SQLite', sqliteBed],
  ...(postgres.skip ? [] : ([['PostgreSQL', postgresBed]] as const)),
];

describe.each(beds)('a reconciliation page by page on %s', (_store, open) => {
  let bed: Bed;
  const told: FoundOfRun[] = [];
  const looked: string[] = [];
  beforeAll(async () => {
    bed = await open();
    await fill(bed);
  });
  afterAll(async () => await bed.close());

  const reconcile = async (scope: { run_id?: string; since?: string }) => {
    told.length = 0;
    looked.length = 0;
    const deps = {
      database: bed.database,
      witness_quorum: 0,
      busy: () => true,
      sources: {
        async missingContent(hash: string) {
          looked.push(hash);
          if (hash === 'hash-unreadable') throw new Error('EIO: i/o error, read');
          return ['rows.csv'];
        },
        handoff: async () => ({ findings: [], checked: 0 }),
        wakeDispatcher: () => {},
      },
    } as unknown as ReconcileDependencies;
    const { run_id = null, since = null } = scope;
    return await reconcileAll(deps, { run_id, since }, now, pace, async (found) => void told.push(...found));
  };
  const summary = ({ findings }: Awaited<ReturnType<typeof reconcile>>) =>
    findings.map(({ check, subject, observed }) => `${check} ${subject}: ${observed}`).sort();

  it('finds each thing once, and looks at all there is', async () => {
    const all = await reconcile({});
    expect(summary(all)).toEqual([
      'audit run/run-5: the incident could not be written',
      'incident run/run-8: none: it was removed past govd',
      'pointer-object orders/GDP: 1 missing: rows.csv',
      'promotion-leaf orders/GDP@2: none in the log',
      'promotion-leaf orders/GDP@6: none in the log',
      'promotion-leaf record/promotion-3: none',
      'promotion-leaf run/run-2: not in the log',
      'unknown-run run/ghost: policies/evaluate_policy: decision-ghost was done for a run that is not known',
      'unknown-run run/phantom: incidents/create_incident: incident-1 was done for a run that is not known',
    ]);
    expect(all.checked).toMatchObject({ runs: 9, pointers: 8, active_snapshots: 1, acts_of_unknown_runs: 2 });
    expect(all.by_class).toEqual({ failed: 1, world: 6, drift: 2 });
    expect(looked).toEqual(['hash-9']);
    expect(told.map(({ run_id, findings }) => [run_id, findings[0]?.class])).toEqual([
      ['run-5', 'failed'],
      ['ghost', 'drift'],
      ['phantom', 'drift'],
    ]);
  });

  it('of one run, and of what is new, tells that alone', async () => {
    expect(summary(await reconcile({ run_id: 'run-3' }))).toEqual(['promotion-leaf record/promotion-3: none']);
    const second = await reconcile({ run_id: 'run-2' });
    expect(summary(second)).toEqual(['promotion-leaf orders/GDP@2: none in the log', 'promotion-leaf run/run-2: not in the log']);
    expect(second.audits).toMatchObject([{ run_id: 'run-2', status: 'COMPLETE', is_clean: true }]);
    expect(summary(await reconcile({ run_id: 'run-4' }))).toEqual([]);
    const fresh = await reconcile({ since: '2026-11-27T00:00:00.000Z' });
    expect(summary(fresh)).toEqual([
      'pointer-object orders/GDP: 1 missing: rows.csv',
      'unknown-run run/ghost: policies/evaluate_policy: decision-ghost was done for a run that is not known',
    ]);
    expect(fresh.checked).toMatchObject({ runs: 1, pointers: 1 });
  });

  it('takes what was damaged for a finding, whatever it is, and looks at everything else', async () => {
    await damage(bed);
    const all = await reconcile({});
    const unreadable = all.findings.filter(({ observed }) => observed.includes('cannot be read'));
    expect(unreadable.map(({ check, subject, observed }) => [`${check} ${subject}`, observed])).toEqual([
      ['run-state run/torn', expect.stringMatching(/^cannot be read: is not JSON: /)],
      ['run-state run/unasked', 'cannot be read: it waits without what was asked'],
      ['run-state run/unlike', 'cannot be read: acks[0].domain: must be text that is not empty, and is a number (put it in quotes)'],
      ['pointer-object parcels/GDP', 'cannot be read: EIO: i/o error, read'],
      ['job-file run/no-file', expect.stringMatching(/^cannot be read: its job file: .*apiVersion/)],
      ['intent run/undecided', expect.stringMatching(/^nothing moved, and its decision cannot be read: is not JSON/)],
    ]);
    for (const { fix } of unreadable) expect(fix).toMatch(/^govctl /);
    expect(all.checked).toMatchObject({ runs: 14, pointers: 9, active_snapshots: 2, open_jobs: 1, open_intents: 1 });
    // What was found before is found still, and no pointer is taken for lost because its run cannot be read.
    expect(all.by_class).toEqual({ failed: 1, world: 7, drift: 2, invalid: 5 });
    expect(told.filter(({ findings }) => findings[0]?.class === 'invalid').map(({ run_id }) => run_id)).toEqual(['torn', 'unlike']);

    const one = await reconcile({ run_id: 'torn' });
    expect(summary(one)).toEqual([
      'pointer-object parcels/GDP: cannot be read: EIO: i/o error, read',
      expect.stringMatching(/^run-state run\/torn: /),
    ]);
    expect(one.audits).toEqual([]);
    const undone = await reconcile({ run_id: 'run-1' });
    expect(summary(undone)).toEqual([expect.stringMatching(/^undone-ack run\/run-1 store\/promote: cannot be read/)]);
    expect(undone.audits).toMatchObject([{ run_id: 'run-1', undone: [{ action: 'promote', metadata: {} }] }]);
  });
});
