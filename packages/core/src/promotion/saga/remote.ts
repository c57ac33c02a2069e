import { settle } from '../../audit/expectation.ts';
import { draftRecord, type RecordDraft, subjectOf } from '../../evidence/statement.ts';
import type { Unit } from '../../journal/unit.ts';
import { useApprovals } from '../approval.ts';
import { eventsOf, traceCompleted } from '../event.ts';
import type { RunState } from '../run-state.ts';
import type { RunRow } from '../write.ts';
import {
  ack,
  finalDecision,
  type Judged,
  judgedEvents,
  opening,
  type RunStart,
  rowOf,
  runChange,
  type SagaContext,
  scopeOf,
  segmentsOf,
  standing,
  walk,
  withPolicyAck,
} from './step.ts';

/**
 * The saga in three steps, for an orchestrator that is not this daemon (the source's four paths): governance decides, the store moves,
 * governance hears of it. Between the last two the run is `incomplete` and not published.
 */
export type DecisionPlan = { readonly unit: Unit; readonly row: RunRow; readonly state: RunState; readonly decisionRecord: RecordDraft };

/** An allow for a remote orchestrator: recorded, and waiting for its store. */
export function decideForRemote(start: RunStart, judged: Judged, context: SagaContext): DecisionPlan {
  const { facts } = judged;
  const at = facts.as_of;
  const { record: decisionRecord, summary } = finalDecision(start, judged, context);
  const acks = withPolicyAck(start, decisionRecord.ref, judged);
  const { request: _request, waiting_on: _waiting, ...kept } = start.state;
  const state: RunState = {
    ...kept,
    phases: walk(start.state.phases, start.revision === null ? ['allow'] : ['requeue', 'allow'], at),
    acks,
    expectations: settle(start.state.expectations, acks),
    segments: segmentsOf(start, facts, context),
    store: { fence: context.lock_fence + 1, expected_generation: facts.pointers.to?.generation ?? 0, lock_key: context.lock_key },
  };
  const row = rowOf(start, state, judged, context, { decision_ref: decisionRecord.ref, evidence_ref: null });
  return {
    row,
    state,
    decisionRecord,
    unit: {
      label: 'promotion.decide',
      changes: [runChange(start, row), ...useApprovals(judged, decisionRecord.ref)],
      records: [decisionRecord, summary],
      events: eventsOf(scopeOf(facts, start.row, context), [...opening(start), ...judgedEvents(judged, decisionRecord.ref)]),
    },
  };
}

type Actor = { readonly actor_id: string; readonly authenticated_by: string };
type Deployment = Pick<SagaContext, 'environment' | 'service_release_id' | 'salt'>;
export type StorePlan = { readonly unit: Unit; readonly row: RunRow; readonly state: RunState };

/** The store moves the pointer for a decision it verified: fence and generation are in the write itself. */
export function storeMove(
  start: RunStart,
  current: RunRow,
  move: {
    readonly to_layer: string;
    readonly snapshot_id: string;
    readonly snapshot_hash: string;
    readonly generation: number;
    readonly fence: number;
    readonly lock_key: string;
    readonly replaced_snapshot_id: string | null;
    readonly policy_rev: string | null;
    readonly promotion_type: string;
  },
  actor: Actor,
  at: string,
  deployment: Deployment,
): StorePlan {
  const { tenant_id, dataset_id, run_id, decision_ref } = current;
  if (decision_ref === null) throw new Error('a store move without a decision');
  const promotion = draftRecord({
    kind: 'promotion',
    subject: [subjectOf(`${dataset_id}/${move.snapshot_id}`, move.snapshot_hash)],
    predicate: {
      environment: deployment.environment,
      service_release_id: deployment.service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt: deployment.salt(),
      previous: decision_ref,
      promotion_type: move.promotion_type,
      from_layer: current.from_layer,
      to_layer: move.to_layer,
      snapshot_id: move.snapshot_id,
      snapshot_hash: move.snapshot_hash,
      generation: move.generation,
      fence: move.fence,
      replaced_snapshot_id: move.replaced_snapshot_id,
      decision_ref,
      policy_rev: move.policy_rev ?? null,
    },
    run_id,
    tenant_id,
    dataset_id,
    recorded_at: at,
  });
  const acks = [
    ...start.state.acks,
    ack('store', 'promote', `${dataset_id}/${move.to_layer}/${move.generation}`, move.snapshot_hash, at),
    ack('evidence', 'append', promotion.ref, promotion.ref, at),
  ];
  const state: RunState = {
    ...start.state,
    phases: walk(start.state.phases, ['commit_incomplete'], at),
    acks,
    expectations: settle(start.state.expectations, acks),
    active: { dataset_id, layer: move.to_layer, snapshot_id: move.snapshot_id, generation: move.generation, decision_ref },
  };
  const row: RunRow = {
    ...current,
    ...standing(state),
    revision: current.revision + 1,
    updated_at: at,
    evidence_ref: promotion.ref,
    state: JSON.stringify(state),
  };
  return {
    row,
    state,
    unit: {
      label: 'store.promote',
      changes: [
        runChange(start, row),
        { write: 'lock.pass', values: { lock_key: move.lock_key, expected_fence: move.fence - 1, at } },
        {
          write: 'pointer.move',
          values: {
            tenant_id,
            dataset_id,
            layer: move.to_layer,
            generation: move.generation,
            snapshot_id: move.snapshot_id,
            snapshot_hash: move.snapshot_hash,
            run_id,
            decision_ref,
            fence: move.fence,
            moved_at: at,
            lock_key: move.lock_key,
          },
        },
      ],
      records: [promotion],
      events: eventsOf({ time: at, tenant_id, dataset_id, layer: move.to_layer, run_id, environment: deployment.environment }, [
        [
          move.to_layer === 'KPI' ? 'store.kpi.promoted' : 'store.gdp.promoted',
          { decision_ref, snapshot_id: move.snapshot_id, snapshot_hash: move.snapshot_hash, generation: move.generation },
        ],
      ]),
    },
  };
}

export type ConfirmedPlan = StorePlan;

/** The commit is confirmed, by the orchestrator or by enough witnesses: the run is complete and may be published. */
export function confirmCommit(
  start: RunStart,
  current: RunRow,
  snapshot_hash: string,
  actor: Actor,
  at: string,
  deployment: Deployment,
  reason = 'commit confirmed by the orchestrator',
): ConfirmedPlan {
  const { tenant_id, dataset_id, run_id, decision_ref, evidence_ref } = current;
  const record = draftRecord({
    kind: 'run-result',
    subject: [subjectOf(`${dataset_id}/${current.snapshot_id ?? run_id}`, snapshot_hash)],
    predicate: {
      environment: deployment.environment,
      service_release_id: deployment.service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt: deployment.salt(),
      previous: evidence_ref,
      run_kind: current.kind,
      phase: 'COMPLETED',
      status: 'succeeded',
      decision_ref,
      manifest_digest: null,
      reason,
    },
    run_id,
    tenant_id,
    dataset_id,
    recorded_at: at,
  });
  const acks = [
    ...start.state.acks,
    ack('incidents', 'create_incident', null, null, at),
    ack('orchestrator', 'finalize_run', 'succeeded', null, at),
  ];
  const { awaits: _awaits, ...kept } = start.state;
  const state: RunState = {
    ...kept,
    phases: walk(start.state.phases, ['commit'], at),
    acks,
    expectations: settle(start.state.expectations, acks),
  };
  const row: RunRow = { ...current, ...standing(state), revision: current.revision + 1, updated_at: at, state: JSON.stringify(state) };
  return {
    row,
    state,
    unit: {
      label: 'promotion.confirm',
      changes: [runChange(start, row)],
      records: [record],
      events: eventsOf({ time: at, tenant_id, dataset_id, layer: current.to_layer, run_id, environment: deployment.environment }, [
        ['governance.contract.promoted', { evidence_ref, decision_ref }],
        ['operations.job.completed', { status: 'succeeded' }],
        ['run.completed', { incident_id: null, policy_eval_id: decision_ref, trace_id: state.trace_id }],
        traceCompleted(state, current.kind),
      ]),
    },
  };
}
