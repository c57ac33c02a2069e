import { voidRest } from '../audit/expectation.ts';
import { digestOf } from '../evidence/digest.ts';
import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { Actor } from '../identity/actor.ts';
import { openIncident } from '../incident/incident.ts';
import type { Lesson } from '../incident/lesson.ts';
import type { Change } from '../journal/change.ts';
import { traceCompleted } from '../promotion/event.ts';
import type { RunState } from '../promotion/run-state.ts';
import { ack } from '../promotion/saga/step.ts';
import type { LostTrace } from '../run/observability.ts';
import { jobDecisionDigest } from './decision.ts';
import type { JobDecision, JobFacts } from './decision-document.ts';
import {
  advanceRun,
  type JobContext,
  type JobRun,
  type JobStep,
  jobEvents,
  jobFact,
  kindFact,
  moveRun,
  type OutputSnapshot,
  type RunHold,
  renewed,
  traceRow,
} from './run.ts';

export type JudgedJob = { readonly facts: JobFacts; readonly decision: JobDecision };

/** What the outputs of an allowed job do to the store: their snapshots, recorded. */
export type Registration = { readonly changes: readonly Change[]; readonly records: readonly RecordDraft[] };

/** Allowed: outputs become snapshots, the end is on record, the lock is given back, in one commit. */
export function completeJob(
  run: JobRun,
  hold: RunHold,
  judged: JudgedJob,
  outputs: readonly OutputSnapshot[],
  registered: Registration,
  context: JobContext,
): JobStep {
  const decided = decisionRecord(run, judged, context);
  const manifest_digest = judged.facts.job.manifest_digest;
  const moved = withDecision(
    moveRun(
      run,
      context,
      ['allow', 'commit'],
      [
        ...evaluated(judged, decided.ref, context),
        ack('incidents', 'create_incident', null, null, context.at),
        ack('orchestrator', 'finalize_run', 'succeeded', manifest_digest, context.at),
      ],
    ),
    judged,
    decided.ref,
  );
  const result = resultRecord(moved, context, {
    previous: decided.ref,
    decision_ref: decided.ref,
    manifest_digest,
    reason: 'every step ended, and its result was allowed',
  });
  const ended = { ...moved, row: { ...moved.row, evidence_ref: result.ref } };
  return {
    run: ended,
    trace: [endOfTrace(ended, context)],
    unit: {
      label: 'job.complete',
      changes: [
        ...renewed(run, hold, context),
        advanceRun(run, ended),
        ...registered.changes,
        {
          write: 'job.finish',
          values: { run_id: run.row.run_id, manifest_digest, result_ref: result.ref, outputs: JSON.stringify(outputs) },
        },
        { write: 'lock.release', values: hold },
      ],
      records: [
        decided,
        ...registered.records,
        result,
        ...kindFact(run, context, 'completed', {
          status: 'succeeded',
          manifest_digest,
          outputs: outputs.map(({ snapshot_id }) => snapshot_id),
        }),
      ],
      events: jobEvents(ended, context, [
        ...judgedEvents(judged, decided.ref),
        ['operations.job.completed', { status: 'succeeded', manifest_digest }],
        ['run.completed', { incident_id: null, policy_eval_id: decided.ref, trace_id: run.state.trace_id }],
        traceCompleted(run.state, 'job'),
      ]),
    },
  };
}

/** Denied by the packs that judge it: its outputs become nothing. */
export function denyJob(run: JobRun, hold: RunHold, judged: JudgedJob, context: JobContext): JobStep {
  const decided = decisionRecord(run, judged, context);
  const failing = judged.decision.gates.filter(({ outcome }) => outcome === 'fail').map(({ code }) => code);
  const ended = endRun(run, hold, context, {
    event: 'deny',
    status: 'failed_policy',
    reason: `denied by ${failing.length === 0 ? 'the time it waited' : failing.join(', ')}`,
    manifest_digest: judged.facts.job.manifest_digest,
    judged,
    decided,
  });
  return ended;
}

/** It waits: a rule said not yet. The lock is given back meanwhile. */
export function deferJob(
  run: JobRun,
  hold: RunHold,
  judged: JudgedJob,
  limits: { readonly again_ms: number; readonly max_ms: number },
  context: JobContext,
): JobStep {
  const waiting_on = judged.decision.waiting_on ?? [];
  const again = run.row.decision_ref !== null && run.state.waiting_on?.join() === waiting_on.join();
  const decided = again ? null : decisionRecord(run, judged, context);
  const moved = moveRun(
    run,
    context,
    ['defer'],
    decided === null || run.state.acks.some(({ domain }) => domain === 'policies') ? [] : evaluated(judged, decided.ref, context),
    { waiting_on },
  );
  const ms = (after: number) => new Date(Date.parse(context.at) + after).toISOString();
  const defer_until = run.row.defer_until ?? ms(limits.max_ms);
  const next = ms(limits.again_ms);
  const row = {
    ...withDecision(moved, judged, decided?.ref ?? run.row.decision_ref ?? '').row,
    next_eligible_at: [next, defer_until].sort()[0] ?? next,
    defer_until,
  };
  const deferred = { ...moved, row };
  return {
    run: deferred,
    trace: [],
    unit: {
      label: 'job.defer',
      changes: [
        ...renewed(run, hold, context),
        advanceRun(run, deferred),
        { write: 'job.claim', values: { run_id: run.row.run_id, host: null, process: null } },
        { write: 'lock.release', values: hold },
      ],
      records: decided === null ? [] : [decided],
      events: decided === null ? [] : jobEvents(deferred, context, judgedEvents(judged, decided.ref)),
    },
  };
}

/** A deferred job is asked again. */
export function requeueJob(run: JobRun, hold: RunHold, context: JobContext): JobStep {
  const moved = moveRun(run, context, ['requeue'], []);
  return {
    run: moved,
    trace: [],
    unit: { label: 'job.requeue', changes: [...renewed(run, hold, context), advanceRun(run, moved)], records: [], events: [] },
  };
}

export type Ending = {
  readonly event: 'error' | 'cancel' | 'deny';
  readonly status: 'failed' | 'cancelled' | 'failed_policy';
  readonly reason: string;
  readonly manifest_digest: string | null;
  /** What ended it, for rules of alerting. */
  readonly error_code?: 'budget-exceeded' | 'tenant-suspended' | 'pause-timeout';
  /** Its trace could not be written, and it may not go on without. */
  readonly lost?: LostTrace;
  /** Who ended it, where somebody did. */
  readonly by?: Pick<Actor, 'actor_id' | 'authenticated_by'>;
  readonly judged?: JudgedJob;
  readonly decided?: RecordDraft;
};

/** The end of a run that did not succeed: it owes its end and nothing else. `hold` is null where it never ran and holds nothing. */
export function endRun(run: JobRun, hold: RunHold | null, context: JobContext, ending: Ending): JobStep {
  const { event, status, reason, manifest_digest, judged, decided } = ending;
  const { tenant_id, dataset_id, run_id } = run.row;
  // What somebody asked for is no incident.
  const incident =
    event === 'cancel'
      ? null
      : openIncident(
          { error_code: errorCode(ending), severity: event === 'deny' ? 'medium' : 'high', reason },
          { run_id, tenant_id, dataset_id, layer: null, run_status: status, environment: context.environment, time: context.at },
        );
  const lesson = event === 'cancel' ? undefined : lessonOf(run_id, ending);
  const acks = [
    ...(judged === undefined || decided === undefined ? [] : evaluated(judged, decided.ref, context)),
    ...(incident === null ? [] : [incident.ack]),
    ack('orchestrator', 'finalize_run', status, manifest_digest, context.at),
  ];
  const { waiting_on: _waiting, pause: _pause, ...kept } = run.state;
  const plain = moveRun({ ...run, state: kept }, context, [event], acks, {
    reason,
    ...(incident === null ? {} : { incident_id: incident.incident_id }),
    ...(lesson === undefined ? {} : { lesson }),
    ...ending.lost?.mark,
  });
  const voided: RunState = { ...plain.state, expectations: voidRest(plain.state.expectations) };
  const moved = { ...plain, state: voided, row: { ...plain.row, next_eligible_at: null, state: JSON.stringify(voided) } };
  const decidedRun = judged === undefined || decided === undefined ? moved : withDecision(moved, judged, decided.ref);
  const result = resultRecord(decidedRun, context, {
    previous: decidedRun.row.decision_ref,
    decision_ref: decidedRun.row.decision_ref,
    manifest_digest,
    reason,
    ...(ending.by === undefined ? {} : { actor: ending.by }),
  });
  const ended = { ...decidedRun, row: { ...decidedRun.row, evidence_ref: result.ref } };
  return {
    run: ended,
    trace: [endOfTrace(ended, context)],
    unit: {
      label: `job.${event}`,
      changes: [
        ...(hold === null ? [] : renewed(run, hold, context)),
        advanceRun(run, ended),
        { write: 'job.finish', values: { run_id: run.row.run_id, manifest_digest, result_ref: result.ref, outputs: '[]' } },
        ...(hold === null ? [] : [{ write: 'lock.release' as const, values: hold }]),
        ...(incident?.changes ?? []),
      ],
      records: [
        ...(decided === undefined ? [] : [decided]),
        result,
        ...kindFact(run, context, 'completed', { status, manifest_digest, outputs: [] }),
      ],
      events: [
        ...jobEvents(ended, context, [
          ...(judged === undefined || decided === undefined ? [] : judgedEvents(judged, decided.ref)),
          ['operations.job.failed', { status, reason }],
          [
            'run.failed',
            {
              status,
              reason,
              decision_ref: ended.row.decision_ref,
              incident_id: incident?.incident_id ?? null,
              trace_id: run.state.trace_id,
            },
          ],
          traceCompleted(ended.state, 'job'),
        ]),
        ...(incident?.events ?? []),
      ],
    },
  };
}

/** Stable: rules of alerting name it. */
function errorCode({ event, judged, error_code, lost }: Ending): string {
  if (lost !== undefined) return 'trace-lost';
  if (event === 'deny') return judged?.decision.decided_by === 'timeout' ? 'timed-out' : 'denied';
  return error_code ?? 'run-failed';
}

function lessonOf(run_id: string, { event, reason, judged, manifest_digest, lost }: Ending): Lesson {
  if (lost !== undefined) return { run_id, cause: reason, next_action: 'govctl doctor' };
  const mend = judged?.decision.gates.find(({ outcome, resolve }) => outcome === 'fail' && resolve !== null)?.resolve?.command;
  const look = manifest_digest === null ? `govctl run get ${run_id}` : `govctl run logs ${run_id}`;
  return { run_id, cause: reason, next_action: event === 'deny' ? (mend ?? look) : look };
}

function decisionRecord(run: JobRun, { facts, decision }: JudgedJob, context: JobContext): RecordDraft {
  const text = JSON.stringify(facts);
  return jobFact(
    run,
    context,
    'run.decide',
    run.row.decision_ref,
    { decision: JSON.parse(JSON.stringify(decision)), decision_digest: jobDecisionDigest(decision), facts_digest: digestOf(text) },
    { facts: text },
  );
}

function evaluated({ decision }: JudgedJob, ref: string, { at }: JobContext) {
  return [ack('policies', 'evaluate_policy', ref, jobDecisionDigest(decision), at)];
}

function judgedEvents({ decision }: JudgedJob, ref: string) {
  return [
    ['policy.evaluated', { policy_rev: decision.policy_rev, decision_digest: jobDecisionDigest(decision) }] as const,
    ['governance.decision.recorded', { decision: decision.decision, decision_ref: ref, waiting_on: decision.waiting_on ?? [] }] as const,
  ];
}

function withDecision(run: JobRun, { decision }: JudgedJob, decision_ref: string): JobRun {
  return { ...run, row: { ...run.row, decision: decision.decision, decision_ref } };
}

function endOfTrace({ row, state, ...run }: JobRun, { at }: JobContext) {
  return traceRow({ row, state, ...run }, 'end', at, { trace_id: state.trace_id, phase: row.phase, status: row.status });
}

type Said = {
  readonly previous: string | null;
  readonly decision_ref: string | null;
  readonly manifest_digest: string | null;
  readonly reason: string;
  readonly actor?: Pick<Actor, 'actor_id' | 'authenticated_by'>;
};

function resultRecord({ row, job }: JobRun, context: JobContext, said: Said): RecordDraft {
  const actor = said.actor ?? (JSON.parse(job.actor) as Actor);
  return draftRecord({
    kind: 'run-result',
    subject: [subjectOf(`run/${row.run_id}`, job.job_digest)],
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt: context.salt(),
      previous: said.previous,
      run_kind: 'job',
      phase: row.phase,
      status: row.status,
      decision_ref: said.decision_ref,
      manifest_digest: said.manifest_digest,
      reason: said.reason,
    },
    run_id: row.run_id,
    tenant_id: row.tenant_id,
    dataset_id: row.dataset_id,
    recorded_at: context.at,
  });
}
