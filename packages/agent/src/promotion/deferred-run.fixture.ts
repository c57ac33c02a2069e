import type { SqliteHandle } from '../db/index.ts';

const early = '2026-11-26T12:00:00.000Z';
/** The state of a promotion that waits, without what was asked. */
export const deferredState = {
  reply_format: 1,
  trace_id: 't',
  authorization_decision: { outcome: 'allowed', actor_id: 'HUMAN::a', authenticated_by: 'api-key:a' },
  phases: [{ phase: 'GOVERNANCE_CHECK', status: 'deferred', event: 'defer', at: early }],
  segments: [],
  expectations: [],
  acks: [],
};

/** Stores a run that waits, due at once, with whatever is in its state. */
export function keepDeferred(handle: SqliteHandle, run_id: string, kept: string): void {
  const row = {
    ...{ run_id, kind: 'promotion', tenant_id: 'default', dataset_id: 'orders', from_layer: 'RAW', to_layer: 'GDP', snapshot_id: 's' },
    ...{ actor_id: 'HUMAN::a', request_digest: 'r', revision: 1, phase: 'GOVERNANCE_CHECK', status: 'deferred', state: kept },
    ...{ created_at: early, updated_at: early, next_eligible_at: early, policy_activation: 1 },
  };
  const columns = Object.keys(row);
  handle.prepare(`INSERT INTO run (${columns}) VALUES (${columns.map((name) => `:${name}`)})`).run(row);
}
