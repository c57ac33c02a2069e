import { afterAll, expect, it } from 'vitest';
import { testJournal } from '../journal/journal.fixture.ts';
import type { PromotionDependencies } from './judge.ts';
import { requeueDeferred } from './requeue.ts';

const at = testJournal();
afterAll(() => at.close());

const early = '2026-11-26T12:00:00.000Z';
const state = {
  reply_format: 1,
  trace_id: 't',
  authorization_decision: { outcome: 'allowed', actor_id: 'HUMAN::a', authenticated_by: 'api-key:a' },
  phases: [{ phase: 'GOVERNANCE_CHECK', status: 'deferred', event: 'defer', at: early }],
  segments: [],
  expectations: [],
  acks: [],
};

function deferred(run_id: string, kept: string): void {
  const row = {
    ...{ run_id, kind: 'promotion', tenant_id: 'default', dataset_id: 'orders', from_layer: 'RAW', to_layer: 'GDP', snapshot_id: 's' },
    ...{ actor_id: 'HUMAN::a', request_digest: 'r', revision: 1, phase: 'GOVERNANCE_CHECK', status: 'deferred', state: kept },
    ...{ created_at: early, updated_at: early, next_eligible_at: early, policy_activation: 1 },
  };
  const columns = Object.keys(row);
  at.handle.prepare(`INSERT INTO run (${columns}) VALUES (${columns.map((name) => `:${name}`)})`).run(row);
}

it('more damaged runs than a page holds, and one that cannot be judged, keep nobody behind them waiting', async () => {
  for (let n = 0; n < 120; n += 1) deferred(`a-${n}`, n % 2 === 0 ? '{' : JSON.stringify(state));
  for (const run of ['b-1', 'b-2']) deferred(run, JSON.stringify({ ...state, request: { actor: run, facts: {} } }));
  const reached: unknown[] = [];
  const authority = {
    current: (actor: unknown) => {
      reached.push(actor);
      throw new Error(`${String(actor)} cannot be judged`);
    },
  };
  const deps = { database: at.database, now: () => '2026-11-27T12:00:00.000Z', authority } as unknown as PromotionDependencies;
  await expect(requeueDeferred(deps, 'here')).rejects.toThrow('b-1 cannot be judged');
  expect(reached).toEqual(['b-1', 'b-2']);
});
