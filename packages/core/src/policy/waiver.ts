import { jcsDigest } from '../evidence/jcs.ts';
import { draftRecord, subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import { type GovernanceContext, governanceFact } from './governance-fact.ts';

/** One gate or rule set aside for a dataset, or a layer or snapshot of it, until a stated time. */
export type Waiver = {
  readonly waiver_id: string;
  readonly tenant_id: string;
  readonly dataset_id: string;
  readonly layer: string | null;
  readonly snapshot_id: string | null;
  readonly rule: string;
  readonly reason: string;
  readonly expires_at: string;
};

/** What a waiver is about, for people and for the record: `tenant/dataset`, `tenant/dataset/GDP`, `tenant/dataset/GDP@snapshot`. */
export function waiverSubject({
  tenant_id,
  dataset_id,
  layer,
  snapshot_id,
}: Omit<Waiver, 'waiver_id' | 'rule' | 'reason' | 'expires_at'>): string {
  return `${tenant_id}/${dataset_id}${layer === null ? '' : `/${layer}`}${snapshot_id === null ? '' : `@${snapshot_id}`}`;
}

/** Grants a waiver: its row, the dataset's revision (so that decisions see it) and the record of it, or none. */
export function addWaiver(
  context: GovernanceContext,
  waiver: Waiver,
): { readonly unit: Unit; readonly subject: string; readonly evidence_ref: string } {
  const subject = waiverSubject(waiver);
  const { waiver_id, tenant_id, dataset_id, rule, reason, expires_at } = waiver;
  const { actor, at, environment, salt, service_release_id } = context;
  const record = draftRecord({
    kind: 'waiver',
    subject: [subjectOf(`waiver/${waiver_id}`, jcsDigest(waiver))],
    predicate: {
      environment,
      service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt,
      previous: null,
      waiver_id,
      rule,
      subject,
      reason,
      expires_at,
    },
    run_id: null,
    tenant_id,
    dataset_id,
    recorded_at: at,
  });
  return {
    subject,
    evidence_ref: record.ref,
    unit: {
      label: 'waiver.add',
      changes: [
        {
          write: 'waiver.insert',
          values: { ...waiver, subject, granted_at: at, granted_by: actor.actor_id, evidence_ref: record.ref },
        },
        { write: 'dataset.touch', values: { tenant_id, dataset_id, at } },
      ],
      records: [record],
      events: [],
    },
  };
}

/** Takes a waiver back before its time. What waits is asked again at once. */
export function revokeWaiver(context: GovernanceContext, waiver: Waiver & { readonly evidence_ref: string }, reason: string): Unit {
  const { waiver_id, tenant_id, dataset_id, rule, evidence_ref } = waiver;
  return {
    label: 'waiver.revoke',
    changes: [
      {
        write: 'waiver.revoke',
        values: { waiver_id, revoked_at: context.at, revoked_by: context.actor.actor_id, revoke_reason: reason },
      },
      { write: 'dataset.touch', values: { tenant_id, dataset_id, at: context.at } },
    ],
    records: [
      governanceFact(context, {
        fact: 'waiver.revoke',
        subject: `waiver/${waiver_id}`,
        digest: evidence_ref,
        about: [subjectOf(`waiver/${waiver_id}`, evidence_ref)],
        reason,
        detail: { rule, subject: waiverSubject(waiver), granted_in: evidence_ref },
        tenant_id,
        dataset_id,
      }),
    ],
    events: [],
  };
}
