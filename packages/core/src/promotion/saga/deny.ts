import { settle, voidRest } from '../../audit/expectation.ts';
import { eventsOf } from '../event.ts';
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

/** Denied: recorded, signed and logged in the same shape as an allow; the run ends, and owes nothing more. */
export function deny(start: RunStart, judged: Judged, context: SagaContext): Planned {
  const at = judged.facts.as_of;
  const { record: decisionRecord, summary } = finalDecision(start, judged, context);
  const acks = [...withPolicyAck(start, decisionRecord.ref, judged), ack('orchestrator', 'finalize_run', 'failed_policy', null, at)];
  const { request: _request, ...kept } = start.state;
  const state: RunState = {
    ...kept,
    phases: walk(start.state.phases, ['deny'], at),
    acks,
    expectations: voidRest(settle(start.state.expectations, acks)),
    segments: segmentsOf(start, judged.facts, context),
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
      changes: [runChange(start, row)],
      records: [decisionRecord, summary],
      events: eventsOf(scopeOf(judged.facts, start.row, context), [
        ...opening(start),
        ...judgedEvents(judged, decisionRecord.ref),
        ['operations.job.failed', { status: 'failed_policy', failing_gates: failing }],
        [
          'run.failed',
          {
            status: 'failed_policy',
            decision_ref: decisionRecord.ref,
            decided_by: judged.decision.decided_by,
            trace_id: start.state.trace_id,
          },
        ],
      ]),
    },
  };
}
