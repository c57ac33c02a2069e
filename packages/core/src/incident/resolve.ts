import { jcsDigest } from '../evidence/jcs.ts';
import { draftRecord, subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import type { GovernanceContext } from '../policy/governance-fact.ts';

/** An open incident, as far as its end needs it. */
export type OpenIncident = {
  readonly incident_id: string;
  readonly run_id: string | null;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly error_code: string;
};

/** Somebody looked and says what came of it: on record, and told. */
export function resolveIncident(
  { actor, environment, service_release_id, at, salt }: GovernanceContext,
  incident: OpenIncident,
  reason: string,
): { readonly unit: Unit; readonly evidence_ref: string } {
  const { incident_id, run_id, tenant_id, dataset_id, error_code } = incident;
  const subject = `incident/${incident_id}`;
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(subject, jcsDigest({ incident_id, run_id, tenant_id, dataset_id, error_code }))],
    predicate: {
      environment,
      service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt,
      previous: null,
      fact: 'incident.resolve',
      subject,
      digest: null,
      reason,
      detail: { error_code },
    },
    run_id,
    tenant_id,
    dataset_id,
    recorded_at: at,
  });
  return {
    evidence_ref: record.ref,
    unit: {
      label: 'incident.resolve',
      changes: [
        { write: 'incident.resolve', values: { incident_id, resolved_at: at, resolved_by: actor.actor_id, resolve_reason: reason } },
      ],
      records: [record],
      events: [
        {
          type: 'incident.resolved',
          subject,
          time: at,
          tenant_id,
          dataset_id,
          layer: null,
          run_id,
          environment,
          data: { incident_id, error_code, resolved_by: actor.actor_id, reason },
        },
      ],
    },
  };
}
