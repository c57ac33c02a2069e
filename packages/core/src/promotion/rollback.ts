import type { Facts } from '../decision/facts.ts';
import { draftRecord, subjectOf } from '../evidence/statement.ts';
import type { Extra, SagaContext } from './saga/index.ts';

export type LeftVersion = { readonly snapshot_id: string; readonly snapshot_hash: string };

/** Ids of what a rollback leaves behind, made by the caller. */
export type RollbackIds = { readonly hold_id: string; readonly audit_id: string };

/**
 * What a rollback does besides moving the pointer, in the same unit: the version it leaves is quarantined, the target goes on hold for
 * forward promotions, and a pending audit with an owner and a due time is opened. Each is cleared by a verb of its own.
 */
export function rollbackAftermath(
  facts: Facts,
  context: SagaContext,
  left: LeftVersion,
  reason: string,
  ids: RollbackIds,
  audit: { readonly owner: string; readonly sla_ms: number },
): Extra {
  const at = facts.as_of;
  const { tenant_id, dataset_id, to_layer: layer, run_id, actor } = facts.request;
  const due_at = new Date(Date.parse(at) + audit.sla_ms).toISOString();
  const why = `rolled back by ${run_id}: ${reason}`;
  return {
    changes: [
      { write: 'snapshot.quarantine', values: { snapshot_id: left.snapshot_id, at, reason: why, run_id } },
      {
        write: 'hold.place',
        values: { hold_id: ids.hold_id, tenant_id, dataset_id, layer, reason: why, run_id, placed_at: at, placed_by: actor.actor_id },
      },
      {
        write: 'audit.open',
        values: { audit_id: ids.audit_id, run_id, tenant_id, dataset_id, layer, owner: audit.owner, reason, opened_at: at, due_at },
      },
      { write: 'dataset.touch', values: { tenant_id, dataset_id, at } },
    ],
    records: (previous) => [
      draftRecord({
        kind: 'audit',
        subject: [subjectOf(`${dataset_id}/${left.snapshot_id}`, left.snapshot_hash)],
        predicate: {
          environment: context.environment,
          service_release_id: context.service_release_id,
          actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
          salt: context.salt(),
          previous,
          event: 'audit.opened',
          audit_id: ids.audit_id,
          outcome: 'pending',
          reason,
          detail: { quarantined: left.snapshot_id, hold_id: ids.hold_id, layer, owner: audit.owner, due_at },
        },
        run_id,
        tenant_id,
        dataset_id,
        recorded_at: at,
      }),
    ],
    state: { pending_audit: { audit_id: ids.audit_id, owner: audit.owner, due_at }, reason },
  };
}
