import { settle, voidRest } from '../../audit/expectation.ts';
import type { DecisionBody } from '../../decision/decision.ts';
import { lessonOfDenial } from '../../incident/denial.ts';
import { openIncident } from '../../incident/incident.ts';
import { crossedEvents, crossedWait, withCrossed } from '../../run/threshold.ts';
import { eventsOf, traceCompleted } from '../event.ts';
import type { RunState } from '../run-state.ts';
import {
  ack,
  finalDecision,
  type Judged,
  judgedEvents,
  opening,
  type Planned,
  type RunStart,
  rowOf,
  runChange,
  type SagaContext,
  scopeOf,
  segmentsOf,
  walk,
  withPolicyAck,
} from './step.ts';

/** Who ended it says what kind of incident it is. */
const codes: Readonly<Record<DecisionBody['decided_by'], string>> = {
  policy: 'denied',
  human: 'rejected',
  timeout: 'timed-out',
  system: 'denied',
};

/** Denied: recorded, signed and logged in the same shape as an allow; the run ends with an incident and a lesson, and owes nothing more. */
export function deny(start: RunStart, judged: Judged, context: SagaContext): Planned {
  const at = judged.facts.as_of;
  const { record: decisionRecord, summary } = finalDecision(start, judged, context);
  const { run_id } = start.row;
  const scope = scopeOf(judged.facts, start.row, context);
  const lesson = lessonOfDenial(run_id, judged.decision);
  const incident = openIncident(
    { error_code: codes[judged.decision.decided_by], severity: 'medium', reason: lesson.cause },
    { ...scope, run_status: 'failed_policy' },
  );
  const acks = [
    ...withPolicyAck(start, decisionRecord.ref, judged),
    incident.ack,
    ack('orchestrator', 'finalize_run', 'failed_policy', null, at),
  ];
  // What a wait came to stands on the run also when it ended it.
  const crossed = start.defer_until === null ? [] : crossedWait(start.row.created_at, start.defer_until, at, start.state.thresholds);
  const { request: _request, ...kept } = withCrossed(start.state, crossed);
  const state: RunState = {
    ...kept,
    phases: walk(start.state.phases, ['deny'], at),
    acks,
    expectations: voidRest(settle(start.state.expectations, acks)),
    segments: segmentsOf(start, judged.facts, context),
    incident_id: incident.incident_id,
    lesson,
  };
  const row = rowOf(start, state, judged, context, { decision_ref: decisionRecord.ref, evidence_ref: null });
  const failing = judged.decision.gates.filter((gate) => gate.outcome === 'fail').map((gate) => gate.code);
  return {
    row,
    state,
    decision: judged.decision,
    decision_digest: judged.decision_digest,
    unit: {
      label: 'promotion.deny',
      changes: [runChange(start, row), ...incident.changes],
      records: [decisionRecord, summary],
      events: [
        ...eventsOf(scope, [...opening(start), ...judgedEvents(judged, decisionRecord.ref)]),
        ...incident.events,
        ...eventsOf(scope, [
          ...crossedEvents(crossed),
          ['operations.job.failed', { status: 'failed_policy', failing_gates: failing }],
          [
            'run.failed',
            {
              status: 'failed_policy',
              incident_id: incident.incident_id,
              decision_ref: decisionRecord.ref,
              decided_by: judged.decision.decided_by,
              trace_id: start.state.trace_id,
            },
          ],
          traceCompleted(state, row.kind),
        ]),
      ],
    },
  };
}
