import type { Ack } from '../audit/expectation.ts';
import type { EventDraft } from '../event/event.ts';
import { jcsDigest } from '../evidence/jcs.ts';
import type { Change } from '../journal/change.ts';

export const incidentSeverities = ['high', 'medium', 'low'] as const;
export type IncidentSeverity = (typeof incidentSeverities)[number];
export const incidentKinds = ['run', 'system'] as const;

/** Something went wrong that a person should look at: of a run, or of the deployment itself. */
export type Occurrence = {
  /** Stable and kebab-case: `denied`, `timed-out`, `rejected`, `run-failed`, `budget-exceeded`, `stale`, `trace-lost`, `reactor-dead`. */
  readonly error_code: string;
  readonly severity: IncidentSeverity;
  /** One sentence for a person. */
  readonly reason: string;
};

/** Whose it is, and where its event goes. */
export type IncidentScope = {
  /** Null for a system incident: nobody's run, the deployment's own. */
  readonly run_id: string | null;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly layer: string | null;
  /** The status the run ends with, or has now. */
  readonly run_status: string | null;
  readonly environment: string;
  readonly time: string;
  readonly traceparent?: string;
};

export type OpenedIncident = {
  readonly incident_id: string;
  readonly changes: readonly Change[];
  readonly events: readonly EventDraft[];
  /** What a run says to the audit contract: incidents/create_incident with the id of this one. */
  readonly ack: Ack;
};

/**
 * Opens an incident in the unit of what caused it: there is no failure without its incident, and none without a failure.
 *
 * The id is a digest of the run and the code (of a system incident: the code and the time), so the same thing found twice, by two hosts or
 * after a restart, is one incident.
 */
export function openIncident(occurrence: Occurrence, scope: IncidentScope): OpenedIncident {
  const { error_code, severity, reason } = occurrence;
  const { run_id, tenant_id, dataset_id, layer, run_status, environment, time, traceparent } = scope;
  const about = run_id === null ? { error_code, tenant_id, at: time } : { error_code, run_id };
  const incident_id = `incident-${jcsDigest(about).slice('sha256:'.length).slice(0, 16)}`;
  const kind = run_id === null ? 'system' : 'run';
  return {
    incident_id,
    changes: [
      {
        write: 'incident.open',
        values: { incident_id, run_id, tenant_id, dataset_id, kind, run_status, error_code, severity, reason, opened_at: time },
      },
    ],
    events: [
      {
        type: 'incident.created',
        subject: `incident/${incident_id}`,
        time,
        tenant_id,
        dataset_id,
        layer,
        run_id,
        environment,
        ...(traceparent === undefined ? {} : { traceparent }),
        data: { incident_id, incident_kind: kind, run_status, error_code, severity, reason },
      },
    ],
    ack: { domain: 'incidents', action: 'create_incident', result_id: incident_id, error: null, observed: null, at: time },
  };
}
