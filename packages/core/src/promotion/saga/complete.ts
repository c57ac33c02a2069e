import { settle } from '../../audit/expectation.ts';
import { draftRecord, subjectOf } from '../../evidence/statement.ts';
import { useApprovals } from '../approval.ts';
import { eventsOf, traceCompleted } from '../event.ts';
import type { RunState } from '../run-state.ts';
import {
  ack,
  type Extra,
  finalDecision,
  type Judged,
  judgedEvents,
  opening,
  type Planned,
  type RunStart,
  rowOf,
  runChange,
  type SagaContext,
  said,
  scopeOf,
  segmentsOf,
  walk,
  withPolicyAck,
} from './step.ts';

/**
 * Allowed, with every role embedded: decision, pointer move, evidence, acks and events are one unit. Where witnesses must have seen it, the
 * run stays `incomplete` and is not published: `confirmCommit` ends it.
 */
export function complete(start: RunStart, judged: Judged, context: SagaContext, extra: Extra): Planned {
  const { facts, decision } = judged;
  const { row } = start;
  const at = facts.as_of;
  const { to_layer, tenant_id, dataset_id, run_id } = row;
  const { snapshot } = facts;
  if (snapshot === null || to_layer === null || context.dataset_revision === null)
    throw new Error('an allow without a snapshot, a layer or a dataset');
  const { record: decisionRecord, summary } = finalDecision(start, judged, context);
  const generation = (facts.pointers.to?.generation ?? 0) + 1;
  const fence = context.lock_fence + 1;
  const promotion = draftRecord({
    kind: 'promotion',
    subject: [subjectOf(`${dataset_id}/${snapshot.snapshot_id}`, snapshot.snapshot_hash)],
    predicate: {
      ...said(facts, context, decisionRecord.ref),
      promotion_type: facts.request.promotion_type,
      from_layer: row.from_layer,
      to_layer,
      snapshot_id: snapshot.snapshot_id,
      snapshot_hash: snapshot.snapshot_hash,
      generation,
      fence,
      replaced_snapshot_id: facts.pointers.to?.snapshot_id ?? null,
      decision_ref: decisionRecord.ref,
      policy_rev: facts.policy?.policy_rev ?? null,
    },
    run_id,
    tenant_id,
    dataset_id,
    recorded_at: at,
  });
  const waits = context.witness_quorum > 0;
  const phases = walk(start.state.phases, ['allow', waits ? 'commit_incomplete' : 'commit'], at);
  const acks = [
    ...withPolicyAck(start, decisionRecord.ref, judged),
    ack('store', 'promote', `${dataset_id}/${to_layer}/${generation}`, snapshot.snapshot_hash, at),
    ack('evidence', 'append', promotion.ref, promotion.ref, at),
    ...(waits ? [] : [ack('incidents', 'create_incident', null, null, at), ack('orchestrator', 'finalize_run', 'succeeded', null, at)]),
  ];
  const active = { dataset_id, layer: to_layer, snapshot_id: snapshot.snapshot_id, generation, decision_ref: decisionRecord.ref };
  const { request: _request, ...kept } = start.state;
  const state: RunState = {
    ...kept,
    phases,
    acks,
    expectations: settle(start.state.expectations, acks),
    segments: segmentsOf(start, facts, context),
    active,
    ...(waits ? { awaits: 'witnesses' as const } : {}),
    ...extra.state,
  };
  const done = rowOf(start, state, judged, context, { decision_ref: decisionRecord.ref, evidence_ref: promotion.ref });
  const scope = scopeOf(facts, row, context);
  const promoted = to_layer === 'KPI' ? 'store.kpi.promoted' : 'store.gdp.promoted';
  return {
    row: done,
    state,
    decision,
    decision_digest: judged.decision_digest,
    unit: {
      label: row.kind === 'rollback' ? 'rollback.complete' : 'promotion.complete',
      changes: [
        {
          write: 'promotion.guard',
          values: { tenant_id, dataset_id, dataset_revision: context.dataset_revision, policy_activation: context.policy_activation },
        },
        runChange(start, done),
        { write: 'lock.pass', values: { lock_key: context.lock_key, expected_fence: context.lock_fence, at } },
        {
          write: 'pointer.move',
          values: {
            tenant_id,
            dataset_id,
            layer: to_layer,
            generation,
            snapshot_id: snapshot.snapshot_id,
            snapshot_hash: snapshot.snapshot_hash,
            run_id,
            decision_ref: decisionRecord.ref,
            fence,
            moved_at: at,
            lock_key: context.lock_key,
          },
        },
        ...useApprovals(judged, decisionRecord.ref),
        ...extra.changes,
      ],
      records: [decisionRecord, summary, promotion, ...extra.records(promotion.ref)],
      events: eventsOf(scope, [
        ...opening(start),
        ...judgedEvents(judged, decisionRecord.ref),
        [
          promoted,
          { decision_ref: decisionRecord.ref, snapshot_id: snapshot.snapshot_id, snapshot_hash: snapshot.snapshot_hash, generation },
        ],
        ...leftBehind(state),
        ...(waits ? [] : published(start, facts, decisionRecord.ref, promotion.ref)),
      ]),
    },
  };
}

/** A rollback says that what the store moved before does not stand. */
function leftBehind({ rolls_back, reason, active }: RunState) {
  if (rolls_back === undefined) return [];
  return [['store.promotion.failed', { decision_ref: active?.decision_ref ?? null, reason: reason ?? null, rolls_back }] as const];
}

/** What others hear of a run that is complete. */
function published(start: RunStart, facts: Judged['facts'], decision_ref: string, evidence_ref: string) {
  return [
    ['governance.contract.promoted', { evidence_ref, decision_ref, contract_id: facts.contract?.body.contract_id ?? null }] as const,
    ['operations.job.completed', { status: 'succeeded' }] as const,
    ['run.completed', { incident_id: null, policy_eval_id: decision_ref, trace_id: start.state.trace_id }] as const,
    traceCompleted(start.state, start.row.kind),
  ];
}
