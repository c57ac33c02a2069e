import type { Ack } from '../../audit/expectation.ts';
import type { DecisionBody } from '../../decision/decision.ts';
import type { Facts } from '../../decision/facts.ts';
import { digestOf } from '../../evidence/digest.ts';
import type { PredicateDraft } from '../../evidence/predicate.ts';
import { draftRecord, type RecordDraft, subjectOf } from '../../evidence/statement.ts';
import { verificationSummary } from '../../evidence/vsa.ts';
import type { Change } from '../../journal/change.ts';
import type { Unit } from '../../journal/unit.ts';
import { advance, type RunEvent, type Standing, type Transition } from '../../run/phase.ts';
import { advanceRow } from '../advance-run.ts';
import { traceStarted } from '../event.ts';
import type { RunState } from '../run-state.ts';
import type { RunRow } from '../write.ts';

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
  /** How many witnesses must have seen a promotion before its run is complete. */
  readonly witness_quorum: number;
  /** How long the run may take, grace and all, before it is stale. */
  readonly finalize_ms: number;
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

/** Further changes of a unit that completes: what a rollback does to the version it leaves. */
export type Extra = {
  readonly changes: readonly Change[];
  readonly records: (previous: string) => readonly RecordDraft[];
  readonly state: Partial<RunState>;
};
export const nothingMore: Extra = { changes: [], records: () => [], state: {} };

export function last(phases: readonly Transition[]): Standing {
  const standing = phases.at(-1);
  if (standing === undefined) throw new Error('a run without a phase');
  return standing;
}

export function standing(state: RunState): Standing {
  const { phase, status } = last(state.phases);
  return { phase, status };
}

export function walk(phases: readonly Transition[], events: readonly RunEvent[], at: string): Transition[] {
  const walked = [...phases];
  for (const event of events) walked.push(advance(last(walked), event, at));
  return walked;
}

export function ack(domain: string, action: string, result_id: string | null, observed: string | null, at: string): Ack {
  return { domain, action, result_id, error: null, observed, at };
}

/** Policies owe a run one evaluation: the newest decision is it. The earlier ones of a deferred run stay on record, in the log. */
export function withPolicyAck(start: RunStart, decisionRef: string, judged: Judged): Ack[] {
  const others = start.state.acks.filter(({ domain }) => domain !== 'policies');
  return [...others, ack('policies', 'evaluate_policy', decisionRef, judged.decision_digest, judged.facts.as_of)];
}

export function segmentsOf(start: RunStart, facts: Facts, context: SagaContext): RunState['segments'] {
  const current = start.state.segments.at(-1);
  const policy_rev = facts.policy?.policy_rev ?? null;
  if (current?.policy_rev === policy_rev && current.config_digest === context.config_digest) return start.state.segments;
  return [
    ...start.state.segments,
    { n: start.state.segments.length + 1, policy_rev, config_digest: context.config_digest, from: facts.as_of },
  ];
}

export function rowOf(
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

export function runChange(start: RunStart, row: RunRow): Change {
  return start.revision === null ? { write: 'run.insert', values: row } : advanceRow(row, start.revision);
}

export function said(facts: Facts, context: SagaContext, previous: string | null) {
  const { actor } = facts.request;
  return {
    environment: context.environment,
    service_release_id: context.service_release_id,
    actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
    salt: context.salt(),
    previous,
  };
}

export function decisionDraft(start: RunStart, judged: Judged, context: SagaContext): RecordDraft {
  return decided(start, judged, context).record;
}

/** A final decision, with its summary for others beside it. */
export function finalDecision(
  start: RunStart,
  judged: Judged,
  context: SagaContext,
): { readonly record: RecordDraft; readonly summary: RecordDraft } {
  const { record, subject, predicate } = decided(start, judged, context);
  const { run_id, tenant_id, dataset_id, recorded_at } = record;
  return {
    record,
    summary: verificationSummary({ ref: record.ref, subject, predicate: { run_id, tenant_id, dataset_id, recorded_at, ...predicate } }),
  };
}

function decided(start: RunStart, judged: Judged, context: SagaContext) {
  const { facts, decision } = judged;
  const { row } = start;
  const text = JSON.stringify(facts);
  const { snapshot, contract } = facts;
  const subject =
    snapshot === null
      ? subjectOf(`run/${row.run_id}`, row.request_digest)
      : subjectOf(`${row.dataset_id}/${snapshot.snapshot_id}`, snapshot.snapshot_hash);
  const sources = new Map(facts.checks.map((check) => [check.source_digest, `quality/${check.source_kind}`]));
  const predicate: PredicateDraft<'decision'> = {
    ...said(facts, context, start.decision_ref),
    decision,
    decision_digest: judged.decision_digest,
    facts_digest: digestOf(Buffer.from(text)),
    policies: facts.packs.map(({ name, version, digest }) => ({ name, version, digest })),
    inputs: [
      ...(snapshot === null ? [] : [{ ref: `snapshot/${snapshot.snapshot_id}`, digest: snapshot.snapshot_hash }]),
      ...(contract === null ? [] : [{ ref: `contract/${contract.body.contract_id}@${contract.version}`, digest: contract.digest }]),
      ...[...sources].map(([digest, ref]) => ({ ref, digest })),
      ...saidByPeople(decision),
    ],
  };
  const record = draftRecord({
    kind: 'decision',
    subject: [subject],
    predicate,
    run_id: row.run_id,
    tenant_id: row.tenant_id,
    dataset_id: row.dataset_id,
    recorded_at: facts.as_of,
    facts: text,
  });
  return { record, subject: [subject], predicate };
}

/** Approvals and waivers that the decision leans on, each by the ref of its record. */
function saidByPeople(decision: DecisionBody): { ref: string; digest: string }[] {
  const said = decision.gates.flatMap(({ evidence }) => evidence.filter(({ ref }) => /^(approval|waiver):/.test(ref)));
  const once = new Map(said.flatMap(({ ref, digest }) => (digest === null ? [] : [[ref.replace(':', '/'), digest] as const])));
  return [...once].map(([ref, digest]) => ({ ref, digest }));
}

export function scopeOf(facts: Facts, row: RunStart['row'], context: SagaContext) {
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

export function opening(start: RunStart) {
  if (start.revision !== null) return [];
  return [['run.started', { kind: start.row.kind, trace_id: start.state.trace_id }] as const, traceStarted(start.state)];
}

export function judgedEvents({ decision, decision_digest }: Judged, decisionRef: string) {
  return [
    ['policy.evaluated', { policy_rev: decision.policy_rev, decision_digest }] as const,
    [
      'governance.decision.recorded',
      { decision: decision.decision, decision_ref: decisionRef, waiting_on: decision.waiting_on ?? [] },
    ] as const,
  ];
}
