import { settle, voidRest } from '../../audit/expectation.ts';
import { type Occurrence, openIncident } from '../../incident/incident.ts';
import type { Lesson } from '../../incident/lesson.ts';
import type { Unit } from '../../journal/unit.ts';
import { eventsOf, neverMoved, traceCompleted } from '../event.ts';
import { type ActingParty, runResult } from '../run-record.ts';
import type { RunState } from '../run-state.ts';
import type { RunRow } from '../write.ts';
import { givesBack, wakesOthers } from './pause.ts';
import { ack, opening, type RunStart, runChange, type SagaContext, standing, walk } from './step.ts';

export type Failure = Occurrence & { readonly next_action: Lesson['next_action']; readonly state?: Partial<RunState> };

/**
 * A run ends without anybody having decided against it: its time ran out, or it cannot be watched. It ends with an incident and a lesson,
 * gives back what it held, and owes nothing more.
 */
export function failRun(
  start: RunStart,
  current: RunRow | null,
  failure: Failure,
  by: ActingParty,
  at: string,
  context: Pick<SagaContext, 'environment' | 'service_release_id' | 'salt'>,
): { unit: Unit; row: RunRow; state: RunState } {
  const { error_code, severity, reason, next_action } = failure;
  const { run_id, tenant_id, dataset_id, kind, to_layer, request_digest } = start.row;
  const scope = { time: at, tenant_id, dataset_id, layer: to_layer, run_id, environment: context.environment };
  const incident = openIncident({ error_code, severity, reason }, { ...scope, run_status: 'failed' });
  const acks = [...start.state.acks, incident.ack, ack('orchestrator', 'finalize_run', 'failed', null, at)];
  const { request: _request, waiting_on: _waiting, pause, ...kept } = start.state;
  const state: RunState = {
    ...kept,
    phases: walk(start.state.phases, ['error'], at),
    acks,
    expectations: voidRest(settle(start.state.expectations, acks)),
    reason,
    incident_id: incident.incident_id,
    lesson: { run_id, cause: reason, next_action },
    ...failure.state,
  };
  const row: RunRow = {
    ...(current ?? { ...start.row, ...unjudged }),
    ...standing(state),
    revision: (start.revision ?? 0) + 1,
    updated_at: at,
    next_eligible_at: null,
    state: JSON.stringify(state),
  };
  const { decision_ref } = row;
  const ended = { digest: request_digest, previous: decision_ref, decision_ref, manifest_digest: null, reason };
  const record = runResult(row, ended, by, at, context);
  return {
    row,
    state,
    unit: {
      label: 'run.fail',
      changes: [runChange(start, row), ...givesBack(run_id, pause), ...wakesOthers(row, pause, at), ...incident.changes],
      records: [record],
      events: [
        ...eventsOf(scope, opening(start)),
        ...incident.events,
        ...eventsOf(scope, [
          ...neverMoved(start.state, row.decision_ref, reason),
          ['operations.job.failed', { status: 'failed' }],
          ['run.failed', { status: 'failed', reason, incident_id: incident.incident_id, trace_id: state.trace_id }],
          traceCompleted(state, kind),
        ]),
      ],
    },
  };
}

/** Of a run that ended before it was judged. */
const unjudged = {
  decision: null,
  decision_ref: null,
  evidence_ref: null,
  defer_until: null,
  dataset_revision: null,
  policy_activation: 0,
} as const;
