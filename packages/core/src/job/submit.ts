import { declareExpectations } from '../audit/expectation.ts';
import type { Actor } from '../identity/actor.ts';
import type { RunState } from '../promotion/run-state.ts';
import { last, standing } from '../promotion/saga/step.ts';
import type { RunRow } from '../promotion/write.ts';
import { advance } from '../run/phase.ts';
import type { JobFile } from './job-file.ts';
import { type JobContext, type JobStep, jobFact, kindFact, lockEnd, segment, workspaceLock } from './run.ts';
import type { JobRow } from './write.ts';

/** What a run may take beyond its limit before it counts as stale: start, outputs, end. */
const graceMs = 60_000;

/** What was asked for, and what it was answered from. */
export type Submission = {
  readonly run_id: string;
  readonly tenant_id: string;
  readonly file: JobFile;
  readonly source: string;
  readonly job_digest: string;
  readonly request_digest: string;
  readonly actor: Actor;
  readonly trace_id: string;
  readonly rerun_of: string | null;
  readonly expected_fence: number;
};

/** A job that was accepted: authorized, its workspace locked, on record. It runs when a worker takes it. */
export function submitJob(asked: Submission, context: JobContext): JobStep {
  const { run_id, tenant_id, file, source, job_digest, request_digest, actor, trace_id, rerun_of, expected_fence } = asked;
  const { at } = context;
  const phases = [{ phase: 'CREATED' as const, status: 'queued' as const, event: 'request' as const, at }];
  const state: RunState = {
    reply_format: 1,
    trace_id,
    authorization_decision: { outcome: 'allowed', actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
    phases: [...phases, advance(last(phases), 'authorize', at)],
    segments: [segment(1, context)],
    expectations: declareExpectations('job', Math.ceil(file.limits.seconds * 1000) + graceMs),
    acks: [],
  };
  const row: RunRow = {
    run_id,
    kind: 'job',
    tenant_id,
    dataset_id: file.workspace,
    from_layer: null,
    to_layer: null,
    snapshot_id: null,
    actor_id: actor.actor_id,
    request_digest,
    ...standing(state),
    revision: 1,
    created_at: at,
    updated_at: at,
    next_eligible_at: null,
    defer_until: null,
    decision: null,
    decision_ref: null,
    evidence_ref: null,
    dataset_revision: null,
    policy_activation: context.policy_activation,
    state: JSON.stringify(state),
  };
  const inserted = {
    run_id,
    tenant_id,
    workspace: file.workspace,
    job_kind: file.job_kind,
    source,
    job_digest,
    actor: JSON.stringify(actor),
    rerun_of,
  };
  const job: JobRow = {
    ...inserted,
    host: null,
    process: null,
    stop_asked_at: null,
    stop_asked_by: null,
    stop_reason: null,
    manifest_digest: null,
    result_ref: null,
    outputs: '[]',
  };
  const run = { row, state, job, file };
  const lock_key = workspaceLock(tenant_id, file.workspace);
  return {
    run,
    trace: [],
    unit: {
      label: 'job.submit',
      changes: [
        { write: 'lock.take', values: { lock_key, holder: run_id, expected_fence, at, expires_at: lockEnd(at) } },
        { write: 'run.insert', values: row },
        { write: 'job.insert', values: inserted },
      ],
      records: [
        jobFact(run, context, 'run.submit', null, {
          workspace: file.workspace,
          job_kind: file.job_kind,
          label_asof: file.label_asof,
          inputs: file.inputs.map(({ name, dataset_id, snapshot_id, snapshot_hash }) => ({ name, dataset_id, snapshot_id, snapshot_hash })),
          rerun_of,
        }),
        ...kindFact(run, context, 'requested', {}),
      ],
      events: [],
    },
  };
}
