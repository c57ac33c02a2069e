import { type Ack, declareExpectations, settle, voidRest } from '../audit/expectation.ts';
import type { DecisionBody } from '../decision/decision.ts';
import type { Facts } from '../decision/facts.ts';
import { digestOf } from '../evidence/digest.ts';
import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { Change } from '../journal/change.ts';
import type { Unit } from '../journal/unit.ts';
import { advance, type RunEvent, type Standing, type Transition } from '../run/phase.ts';
import { eventsOf } from './event.ts';
import type { RunState } from './run-state.ts';
import type { RunRow } from './write.ts';

/** Where a decision is carried out, and what is not the kernel's to know. */
export type SagaContext = {
  readonly environment: string;
  readonly service_release_id: string;
  readonly config_digest: string | null;
  /** Fresh randomness for the salts of the records: 32 hex digits each call. */
  readonly salt: () => string;
  /** Guards: what the facts were read at. Null when the dataset has no row yet, and then nothing can be allowed. */
  readonly dataset_revision: number | null;
  readonly policy_activation: number;
  readonly lock_key: string;
  readonly lock_fence: number;
  readonly traceparent?: string;
};

export type Judged = { readonly facts: Facts; readonly decision: DecisionBody; readonly decision_digest: string };

/** A run as it was before this evaluation: the row of a deferred run, or what a new one starts from. */
export type RunStart = {
  readonly row: Omit<
    RunRow,
    | 'phase'
    | 'status'
    | 'revision'
    | 'state'
    | 'decision'
    | 'decision_ref'
    | 'evidence_ref'
    | 'updated_at'
    | 'next_eligible_at'
    | 'defer_until'
    | 'dataset_revision'
    | 'policy_activation'
  >;
  readonly state: RunState;
  /** Null for a run that does not exist yet. */
  readonly revision: number | null;
  readonly decision_ref: string | null;
  readonly defer_until: string | null;
};

export type Planned = {
  readonly unit: Unit;
  readonly row: RunRow;
  readonly state: RunState;
  readonly decision: DecisionBody;
  readonly decision_digest: string;
};

/** A run that is asked for the first time: CREATED, AUTHORIZED and EXECUTING need nothing from outside, so they pass at once, recorded all the same. */
export function startRun(
  row: RunStart['row'],
  facts: Facts,
  context: SagaContext,
  extra: Pick<RunState, 'trace_id' | 'supersedes' | 'reason' | 'rolls_back' | 'request'>,
): RunStart {
  const at = facts.as_of;
  const { actor } = facts.request;
  const phases: Transition[] = [{ phase: 'CREATED', status: 'queued', event: 'request', at }];
  for (const event of ['authorize', 'start', 'execution_done'] as const) phases.push(advance(last(phases), event, at));
  const state: RunState = {
    reply_format: 1,
    trace_id: extra.trace_id,
    authorization_decision: { outcome: 'allowed', actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
    phases,
    segments: [{ n: 1, policy_rev: facts.policy?.policy_rev ?? null, config_digest: context.config_digest, from: at }],
    expectations: declareExpectations(row.kind === 'rollback' ? 'rollback' : 'promotion'),
    acks: [ack('logs', 'start_trace', extra.trace_id, null, at)],
    ...(extra.supersedes === undefined ? {} : { supersedes: extra.supersedes }),
    ...(extra.reason === undefined ? {} : { reason: extra.reason }),
    ...(extra.rolls_back === undefined ? {} : { rolls_back: extra.rolls_back }),
    ...(extra.request === undefined ? {} : { request: extra.request }),
  };
  return { row, state, revision: null, decision_ref: null, defer_until: null };
}

/** What the kernel said becomes one unit: nothing moves without the decision beside it. */
export function carryOut(
  start: RunStart,
  judged: Judged,
  context: SagaContext,
  deferLimits: { readonly max_ms: number; readonly min_interval_ms: number },
  extra: Extra = nothingMore,
): Planned {
  switch (judged.decision.decision) {
    case 'allow':
      return complete(start, judged, context, extra);
    case 'deny':
      return deny(start, judged, context);
    case 'defer':
      return defer(start, judged, context, deferLimits);
  }
}

/** Further changes of a unit that completes: what a rollback does to the version it leaves. */
export type Extra = {
  readonly changes: readonly Change[];
  readonly records: (previous: string) => readonly RecordDraft[];
  readonly state: Partial<RunState>;
};
const nothingMore: Extra = { changes: [], records: () => [], state: {} };

function complete(start: RunStart, judged: Judged, context: SagaContext, extra: Extra): Planned {
  const { facts, decision } = judged;
  const { row } = start;
  const at = facts.as_of;
  const { to_layer, tenant_id, dataset_id, run_id } = row;
  const { snapshot } = facts;
  if (snapshot === null || to_layer === null || context.dataset_revision === null)
    throw new Error('an allow without a snapshot, a layer or a dataset');
  const decisionRecord = decisionDraft(start, judged, context);
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
  const phases = walk(start.state.phases, ['allow', 'commit'], at);
  const acks = [
    ...start.state.acks,
    ack('policies', 'evaluate_policy', decisionRecord.ref, judged.decision_digest, at),
    ack('incidents', 'create_incident', null, null, at),
    ack('store', 'promote', `${dataset_id}/${to_layer}/${generation}`, snapshot.snapshot_hash, at),
    ack('evidence', 'append', promotion.ref, promotion.ref, at),
    ack('orchestrator', 'finalize_run', 'succeeded', null, at),
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
        ...extra.changes,
      ],
      records: [decisionRecord, promotion, ...extra.records(promotion.ref)],
      events: eventsOf(scope, [
        ...opening(start),
        ...judgedEvents(judged, decisionRecord.ref),
        [
          promoted,
          { decision_ref: decisionRecord.ref, snapshot_id: snapshot.snapshot_id, snapshot_hash: snapshot.snapshot_hash, generation },
        ],
        [
          'governance.contract.promoted',
          { evidence_ref: promotion.ref, decision_ref: decisionRecord.ref, contract_id: facts.contract?.body.contract_id ?? null },
        ],
        ['operations.job.completed', { status: 'succeeded' }],
        ['run.completed', { incident_id: null, policy_eval_id: decisionRecord.ref, trace_id: start.state.trace_id }],
      ]),
    },
  };
}

function deny(start: RunStart, judged: Judged, context: SagaContext): Planned {
  const at = judged.facts.as_of;
  const decisionRecord = decisionDraft(start, judged, context);
  const acks = [
    ...start.state.acks,
    ack('policies', 'evaluate_policy', decisionRecord.ref, judged.decision_digest, at),
    ack('orchestrator', 'finalize_run', 'failed_policy', null, at),
  ];
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
      records: [decisionRecord],
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

function defer(
  start: RunStart,
  judged: Judged,
  context: SagaContext,
  limits: { readonly max_ms: number; readonly min_interval_ms: number },
): Planned {
  const { decision, facts } = judged;
  const at = facts.as_of;
  const waiting = decision.waiting_on ?? [];
  // The same answer for the same reasons is not news: only the time of the next question moves.
  const again = start.state.waiting_on?.join() === waiting.join() && start.decision_ref !== null;
  const decisionRecord = again ? null : decisionDraft(start, judged, context);
  const decisionRef = decisionRecord?.ref ?? start.decision_ref;
  const defer_until = start.defer_until ?? new Date(Date.parse(at) + limits.max_ms).toISOString();
  const soonest = new Date(Date.parse(at) + limits.min_interval_ms).toISOString();
  const wanted = decision.next_eligible_at ?? soonest;
  const latest = [wanted, soonest].sort()[1] ?? soonest;
  const next = [latest, defer_until].sort()[0] ?? soonest;
  const already = start.state.acks.some((one) => one.domain === 'policies');
  const acks =
    already || decisionRecord === null
      ? start.state.acks
      : [...start.state.acks, ack('policies', 'evaluate_policy', decisionRecord.ref, judged.decision_digest, at)];
  const state: RunState = {
    ...start.state,
    phases: again ? start.state.phases : walk(start.state.phases, start.revision === null ? ['defer'] : ['requeue', 'defer'], at),
    acks,
    expectations: settle(start.state.expectations, acks),
    segments: segmentsOf(start, facts, context),
    waiting_on: waiting,
  };
  const row = {
    ...rowOf(start, state, judged, context, { decision_ref: decisionRef, evidence_ref: null }),
    next_eligible_at: next,
    defer_until,
  };
  return {
    row,
    state,
    decision,
    decision_digest: judged.decision_digest,
    unit: {
      label: again ? 'promotion.still-deferred' : 'promotion.defer',
      changes: [runChange(start, row)],
      records: decisionRecord === null ? [] : [decisionRecord],
      events:
        decisionRecord === null
          ? []
          : eventsOf(scopeOf(facts, start.row, context), [...opening(start), ...judgedEvents(judged, decisionRecord.ref)]),
    },
  };
}

/** An operator ends an open run: it owes its end and nothing else. */
export function cancel(
  start: RunStart,
  current: RunRow,
  by: { readonly actor_id: string; readonly authenticated_by: string; readonly reason: string },
  at: string,
  context: Pick<SagaContext, 'environment' | 'service_release_id' | 'salt'>,
): { unit: Unit; row: RunRow; state: RunState } {
  const acks = [...start.state.acks, ack('orchestrator', 'finalize_run', 'cancelled', null, at)];
  const { request: _request, waiting_on: _waiting, ...kept } = start.state;
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
  const record = draftRecord({
    kind: 'run-result',
    subject: [subjectOf(`run/${row.run_id}`, row.request_digest)],
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: by.actor_id, authenticated_by: by.authenticated_by },
      salt: context.salt(),
      previous: current.decision_ref,
      run_kind: row.kind,
      phase: row.phase,
      status: row.status,
      decision_ref: current.decision_ref,
      manifest_digest: null,
      reason: by.reason,
    },
    run_id: row.run_id,
    tenant_id: row.tenant_id,
    dataset_id: row.dataset_id,
    recorded_at: at,
  });
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
      changes: [runChange(start, row)],
      records: [record],
      events: eventsOf(scope, [
        ['operations.job.failed', { status: 'cancelled' }],
        ['run.failed', { status: 'cancelled', reason: by.reason, trace_id: state.trace_id }],
      ]),
    },
  };
}

function last(phases: readonly Transition[]): Standing {
  const standing = phases.at(-1);
  if (standing === undefined) throw new Error('a run without a phase');
  return standing;
}

function standing(state: RunState): Standing {
  const { phase, status } = last(state.phases);
  return { phase, status };
}

function walk(phases: readonly Transition[], events: readonly RunEvent[], at: string): Transition[] {
  const walked = [...phases];
  for (const event of events) walked.push(advance(last(walked), event, at));
  return walked;
}

function ack(domain: string, action: string, result_id: string | null, observed: string | null, at: string): Ack {
  return { domain, action, result_id, error: null, observed, at };
}

function segmentsOf(start: RunStart, facts: Facts, context: SagaContext): RunState['segments'] {
  const current = start.state.segments.at(-1);
  const policy_rev = facts.policy?.policy_rev ?? null;
  if (current?.policy_rev === policy_rev && current.config_digest === context.config_digest) return start.state.segments;
  return [
    ...start.state.segments,
    { n: start.state.segments.length + 1, policy_rev, config_digest: context.config_digest, from: facts.as_of },
  ];
}

function rowOf(
  start: RunStart,
  state: RunState,
  judged: Judged,
  context: SagaContext,
  refs: { decision_ref: string | null; evidence_ref: string | null },
): RunRow {
  return {
    ...start.row,
    ...standing(state),
    revision: (start.revision ?? 0) + 1,
    updated_at: judged.facts.as_of,
    next_eligible_at: null,
    defer_until: start.defer_until,
    decision: judged.decision.decision,
    ...refs,
    dataset_revision: context.dataset_revision,
    policy_activation: context.policy_activation,
    state: JSON.stringify(state),
  };
}

function runChange(start: RunStart, row: RunRow): Change {
  if (start.revision === null) return { write: 'run.insert', values: row };
  const {
    run_id,
    phase,
    status,
    updated_at,
    next_eligible_at,
    defer_until,
    decision,
    decision_ref,
    evidence_ref,
    dataset_revision,
    policy_activation,
    state,
  } = row;
  return {
    write: 'run.advance',
    values: {
      run_id,
      expected_revision: start.revision,
      phase,
      status,
      updated_at,
      next_eligible_at,
      defer_until,
      decision,
      decision_ref,
      evidence_ref,
      dataset_revision,
      policy_activation,
      state,
    },
  };
}

function said(facts: Facts, context: SagaContext, previous: string | null) {
  const { actor } = facts.request;
  return {
    environment: context.environment,
    service_release_id: context.service_release_id,
    actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
    salt: context.salt(),
    previous,
  };
}

function decisionDraft(start: RunStart, judged: Judged, context: SagaContext): RecordDraft {
  const { facts, decision } = judged;
  const { row } = start;
  const text = JSON.stringify(facts);
  const { snapshot, contract } = facts;
  const subject =
    snapshot === null
      ? subjectOf(`run/${row.run_id}`, row.request_digest)
      : subjectOf(`${row.dataset_id}/${snapshot.snapshot_id}`, snapshot.snapshot_hash);
  const sources = new Map(facts.checks.map((check) => [check.source_digest, `quality/${check.source_kind}`]));
  return draftRecord({
    kind: 'decision',
    subject: [subject],
    predicate: {
      ...said(facts, context, start.decision_ref),
      decision,
      decision_digest: judged.decision_digest,
      facts_digest: digestOf(Buffer.from(text)),
      policies: facts.packs.map(({ name, version, digest }) => ({ name, version, digest })),
      inputs: [
        ...(snapshot === null ? [] : [{ ref: `snapshot/${snapshot.snapshot_id}`, digest: snapshot.snapshot_hash }]),
        ...(contract === null ? [] : [{ ref: `contract/${contract.body.contract_id}@${contract.version}`, digest: contract.digest }]),
        ...[...sources].map(([digest, ref]) => ({ ref, digest })),
      ],
    },
    run_id: row.run_id,
    tenant_id: row.tenant_id,
    dataset_id: row.dataset_id,
    recorded_at: facts.as_of,
    facts: text,
  });
}

function scopeOf(facts: Facts, row: RunStart['row'], context: SagaContext) {
  return {
    time: facts.as_of,
    tenant_id: row.tenant_id,
    dataset_id: row.dataset_id,
    layer: row.to_layer,
    run_id: row.run_id,
    environment: context.environment,
    ...(context.traceparent === undefined ? {} : { traceparent: context.traceparent }),
  };
}

function opening(start: RunStart) {
  return start.revision === null ? [['run.started', { kind: start.row.kind, trace_id: start.state.trace_id }] as const] : [];
}

function judgedEvents({ decision, decision_digest }: Judged, decisionRef: string) {
  return [
    ['policy.evaluated', { policy_rev: decision.policy_rev, decision_digest }] as const,
    [
      'governance.decision.recorded',
      { decision: decision.decision, decision_ref: decisionRef, waiting_on: decision.waiting_on ?? [] },
    ] as const,
  ];
}
