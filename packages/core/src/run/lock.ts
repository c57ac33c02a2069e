import { jcsDigest } from '../evidence/jcs.ts';
import { draftRecord, subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import type { GovernanceContext } from '../policy/governance-fact.ts';

/** A lock somebody holds. */
export type HeldLock = { readonly lock_key: string; readonly fence: number; readonly holder: string; readonly expires_at: string | null };

/** Whose a lock is, by its key: `dataset/TENANT/DATASET/LAYER`, `workspace/TENANT/WORKSPACE`. */
export function lockTarget(lock_key: string): { readonly tenant_id: string; readonly dataset_id: string } {
  const [, tenant_id = '', dataset_id = ''] = lock_key.split('/');
  return { tenant_id, dataset_id };
}

/**
 * Takes a lock away: on record, told, and with the next fence, so that nothing its holder still writes is taken. Whoever waits for the
 * target is asked again.
 */
export function breakLock(
  context: GovernanceContext,
  held: HeldLock,
  reason: string,
): { readonly unit: Unit; readonly evidence_ref: string } {
  const { lock_key, fence, holder, expires_at } = held;
  const target = lockTarget(lock_key);
  const subject = `lock/${lock_key}`;
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(subject, jcsDigest(held))],
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: context.actor.actor_id, authenticated_by: context.actor.authenticated_by },
      salt: context.salt,
      previous: null,
      fact: 'lock.break',
      subject,
      digest: null,
      reason,
      detail: { holder, fence, expires_at },
    },
    run_id: null,
    ...target,
    recorded_at: context.at,
  });
  return {
    evidence_ref: record.ref,
    unit: {
      label: 'lock.break',
      changes: [
        { write: 'lock.break', values: { lock_key, expected_fence: fence } },
        ...(lock_key.startsWith('dataset/') ? [{ write: 'dataset.touch' as const, values: { ...target, at: context.at } }] : []),
      ],
      records: [record],
      events: [
        {
          type: 'lock.broken',
          subject,
          time: context.at,
          ...target,
          layer: lock_key.startsWith('dataset/') ? (lock_key.split('/')[3] ?? null) : null,
          run_id: holder,
          environment: context.environment,
          data: { reason, holder, fence: fence + 1, broken_by: context.actor.actor_id },
        },
      ],
    },
  };
}
