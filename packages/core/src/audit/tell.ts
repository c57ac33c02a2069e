import type { EventDraft, EventType } from '../event/event.ts';
import { draftRecord, subjectOf } from '../evidence/statement.ts';
import { openIncident } from '../incident/incident.ts';
import type { Change } from '../journal/change.ts';
import type { Unit } from '../journal/unit.ts';
import { advanceRow } from '../promotion/advance-run.ts';
import type { RunState } from '../promotion/run-state.ts';
import type { RunRow } from '../promotion/write.ts';
import type { AuditFinding } from './expectation.ts';
import { markMissing } from './owed.ts';

/** Where and when it was found; ids of its records are random. */
export type FindingContext = {
  readonly environment: string;
  readonly service_release_id: string;
  readonly salt: string;
  readonly at: string;
};

/** Whose run it is. A run that is not known has no dataset and nobody's tenant. */
type FindingScope = {
  readonly run_id: string;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly layer: string | null;
};

/** What was found, kept once and told once: the guard of the first change says whether it is news. */
export function tellFindings(
  scope: FindingScope,
  findings: readonly AuditFinding[],
  context: FindingContext,
): { readonly changes: readonly Change[]; readonly events: readonly EventDraft[] } {
  const { run_id, ...where } = scope;
  // A run may lack two things of one name; they are one finding.
  const once = new Map(findings.map((finding) => [`${finding.class} ${finding.domain}/${finding.action}`, finding]));
  return {
    changes: [...once.values()].map(({ domain, action, detail, ...finding }) => ({
      write: 'audit-finding.insert',
      values: { run_id, class: finding.class, domain, action, detail, found_at: context.at },
    })),
    events: [...once.values()].map(({ domain, action, detail, ...finding }) => ({
      type: `audit.reconciliation.${finding.class}` as EventType,
      subject: `run/${run_id}`,
      time: context.at,
      ...where,
      run_id,
      environment: context.environment,
      data: { domain, action, detail },
    })),
  };
}

/**
 * A run that was never finalized: all that it owes is marked missing, what of it is news is told, an incident is opened, and it is on record. The run itself stays as it
 * is: whoever holds it may still end it, and somebody must.
 */
export function markStale(
  row: RunRow,
  state: RunState,
  lacks: { readonly all: readonly AuditFinding[]; readonly news: readonly AuditFinding[] },
  context: FindingContext,
): Unit {
  const { run_id, tenant_id, dataset_id, to_layer: layer } = row;
  const { at, environment, service_release_id, salt } = context;
  const missing = lacks.all.filter((one) => one.class === 'missing').map(({ domain, action }) => `${domain}/${action}`);
  const reason = `run ${run_id} was never finalized: ${missing.join(', ')} did not come`;
  const scope = { run_id, tenant_id, dataset_id, layer };
  const incident = openIncident(
    { error_code: 'stale', severity: 'high', reason },
    { ...scope, run_status: row.status, environment, time: at },
  );
  const { incident_id } = incident;
  const marked: RunState = { ...state, expectations: markMissing(state.expectations, lacks.all), incident_id };
  const told = tellFindings(scope, lacks.news, context);
  return {
    label: 'audit.stale',
    changes: [...told.changes, advanceRow({ ...row, state: JSON.stringify(marked) }, row.revision), ...incident.changes],
    records: [
      draftRecord({
        kind: 'audit',
        subject: [subjectOf(`run/${run_id}`, row.request_digest)],
        predicate: {
          environment,
          service_release_id,
          actor: { actor_id: 'SYSTEM::govd', authenticated_by: 'audit-contract' },
          salt,
          previous: row.decision_ref,
          event: 'run.stale',
          audit_id: incident_id,
          outcome: 'stale',
          reason,
          detail: { missing, phase: row.phase, status: row.status },
        },
        run_id,
        tenant_id,
        dataset_id,
        recorded_at: at,
      }),
    ],
    events: [...told.events, ...incident.events],
  };
}
