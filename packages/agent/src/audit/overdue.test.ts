import { declareExpectations } from '@govctl/core/audit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type TestJournal, testJournal } from '../journal/journal.fixture.ts';
import { findOverdue } from './overdue.ts';

const started = '2026-11-27T12:00:00.000Z';
const later = '2026-11-27T13:00:00.000Z';
let bed: TestJournal;
beforeEach(() => {
  bed = testJournal({ now: () => later });
});
afterEach(() => bed.close());

const state = {
  reply_format: 1,
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  authorization_decision: { outcome: 'allowed', actor_id: 'HUMAN::a', authenticated_by: 'api-key:a' },
  segments: [{ n: 1, policy_rev: null, config_digest: null, from: started }],
  phases: [{ phase: 'FINALIZING', status: 'running', event: 'allow', at: started }],
  expectations: declareExpectations('promotion'),
  acks: [],
};

const find = () =>
  findOverdue({
    database: bed.database,
    journal: bed.journal,
    deployment: { environment: 'local_parity', service_release_id: 'govd@test' },
    holder: 'this',
    randomHex: (bytes) => 'a'.repeat(bytes * 2),
    now: () => later,
    found: () => {},
  });
const incidents = () => bed.handle.prepare('SELECT run_id, error_code FROM incident ORDER BY run_id').all();

it('marks a stale run once, also where the periodic reconciliation told of it first', async () => {
  const row = { phase: 'FINALIZING', status: 'running', created_at: started, updated_at: started, state: JSON.stringify(state) };
  const target = { tenant_id: 'default', dataset_id: 'orders', from_layer: 'RAW', to_layer: 'GDP', snapshot_id: 's' };
  for (const run_id of ['told', 'untold']) {
    const run = {
      run_id,
      kind: 'promotion',
      ...target,
      actor_id: 'HUMAN::a',
      request_digest: 'ab'.repeat(32),
      revision: 1,
      policy_activation: 1,
      ...row,
    };
    const columns = Object.keys(run);
    bed.handle.prepare(`INSERT INTO run (${columns.join(', ')}) VALUES (${columns.map((name) => `:${name}`).join(', ')})`).run(run);
  }
  const tell = bed.handle.prepare(
    "INSERT INTO audit_finding (run_id, class, domain, action, detail, found_at) VALUES ('told', ?, ?, ?, 'x', ?)",
  );
  tell.run('stale', 'orchestrator', 'finalize_run', later);
  for (const { domain, action } of state.expectations) tell.run('missing', domain, action, later);

  expect(await find()).toBe(2);
  expect(incidents()).toEqual(['told', 'untold'].map((run_id) => ({ run_id, error_code: 'stale' })));
  expect(await find()).toBe(0);
});
