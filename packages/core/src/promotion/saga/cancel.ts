import { settle, voidRest } from '../../audit/expectation.ts';
import { rolledBack } from '../../audit/owed.ts';
import type { Unit } from '../../journal/unit.ts';
import { eventsOf, neverMoved, traceCompleted } from '../event.ts';
import { runResult } from '../run-record.ts';
import type { RunState } from '../run-state.ts';
import type { RunRow } from '../write.ts';
import { givesBack, wakesOthers } from './pause.ts';
import { ack, type RunStart, runChange, type SagaContext, standing, walk } from './step.ts';

/** An operator ends an open run: it owes its end and nothing else. */
export function cancel(
  start: RunStart,
  current: RunRow,
  by: { readonly actor_id: string; readonly authenticated_by: string; readonly reason: string },
  at: string,
  context: Pick<SagaContext, 'environment' | 'service_release_id' | 'salt'>,
): { unit: Unit; row: RunRow; state: RunState } {
  // Decided for a store that never moved: the decision counts no more, and stays visible as undone.
  const undone = start.state.store === undefined ? [] : start.state.acks.filter(({ action }) => action === 'evaluate_policy');
  const acks = [
    ...start.state.acks,
    ...rolledBack(undone, { reason: by.reason, phase: start.state.phases.at(-1)?.phase ?? '', success: true, at }),
    ack('orchestrator', 'finalize_run', 'cancelled', null, at),
  ];
  const { request: _request, waiting_on: _waiting, pause, ...kept } = start.state;
  const state: RunState = {
    ...kept,
    phases: walk(start.state.phases, ['cancel'], at),
    acks,
    expectations: voidRest(settle(start.state.expectations, acks)),
    reason: by.reason,
  };
  const row: RunRow = {
    ...current,
    ...standing(state),
    revision: current.revision + 1,
    updated_at: at,
    next_eligible_at: null,
    state: JSON.stringify(state),
  };
  const { request_digest: digest, decision_ref } = current;
  const ended = { digest, previous: decision_ref, decision_ref, manifest_digest: null, reason: by.reason };
  const record = runResult(row, ended, by, at, context);
  const scope = {
    time: at,
    tenant_id: row.tenant_id,
    dataset_id: row.dataset_id,
    layer: row.to_layer,
    run_id: row.run_id,
    environment: context.environment,
  };
  return {
    row,
    state,
    unit: {
      label: 'promotion.cancel',
      changes: [runChange(start, row), ...givesBack(row.run_id, pause), ...wakesOthers(row, pause, at)],
      records: [record],
      events: eventsOf(scope, [
        ...neverMoved(start.state, current.decision_ref, by.reason),
        ['operations.job.failed', { status: 'cancelled' }],
        ['run.failed', { status: 'cancelled', reason: by.reason, trace_id: state.trace_id }],
        traceCompleted(state, row.kind),
      ]),
    },
  };
}
