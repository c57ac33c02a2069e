import { z } from 'zod';
import { digestSchema, document, refSchema, schemaVersion, timestampSchema } from '../api/common.ts';
import { type PlaceInLog, placeInLog } from '../promotion/document.ts';
import { observabilityStatuses } from '../run/observability.ts';
import { pauseDocument, pauseOf } from '../run/pause-document.ts';
import { phases, runStatuses } from '../run/phase.ts';
import { riskLevels } from '../run/threshold.ts';
import { type JobDecision, jobDecisionSchema } from './decision-document.ts';
import { jobKinds } from './job-kind.ts';
import { manifestRowSchema } from './manifest.ts';
import type { JobRun, OutputSnapshot } from './run.ts';
import { manifestRows, usedBy } from './step.ts';
import type { JobStepRow } from './write.ts';

const outputSchema = z.object({
  name: z.string(),
  dataset_id: z.string(),
  layer: z.string(),
  snapshot_id: z.string(),
  snapshot_hash: digestSchema,
  file_count: z.int(),
  total_bytes: z.number(),
});

const amounts = { steps: z.number(), seconds: z.number(), cost_units: z.number() };

/** A job as an operator sees it. */
export const runDocument = document('Run', {
  run_id: z.string(),
  run_kind: z.literal('job'),
  tenant_id: z.string(),
  workspace: z.string(),
  job_kind: z.enum(jobKinds),
  phase: z.enum(phases),
  status: z.enum(runStatuses),
  reason: z.string().nullable(),
  actor_id: z.string(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  /** Digest of the job file, byte for byte. */
  job_digest: digestSchema,
  label_asof: timestampSchema,
  inputs: z.array(z.object({ name: z.string(), dataset_id: z.string(), snapshot_id: z.string(), snapshot_hash: digestSchema })),
  policy_packs: z.array(z.string()),
  limits: z.object(amounts),
  used: z.object(amounts),
  /** Ordered receipts of the steps that ended. */
  manifest: z.array(manifestRowSchema),
  manifest_digest: digestSchema.nullable(),
  /** The step that runs now, and which attempt of it. */
  running: z.object({ step: z.string(), attempt: z.int(), since: timestampSchema }).nullable(),
  decision: z.object({ ...jobDecisionSchema.shape, decision_digest: digestSchema }).nullable(),
  decision_ref: refSchema.nullable(),
  /** The record of its end. */
  result_ref: refSchema.nullable(),
  evidence: placeInLog.nullable(),
  outputs: z.array(outputSchema),
  next_eligible_at: timestampSchema.nullable(),
  defer_until: timestampSchema.nullable(),
  waiting_on: z.array(z.string()),
  stop_asked_at: timestampSchema.nullable(),
  rerun_of: z.string().nullable(),
  /** Promotions that came after it. */
  promotions: z.array(z.string()),
  pause: pauseDocument.nullable(),
  /** How near it came to what it may use; observational. */
  risk_level: z.enum(riskLevels),
  /** Null while every part of its trace was written. */
  observability_status: z.enum(observabilityStatuses).nullable(),
  observability_error: z.string().nullable(),
  phases: z.array(z.object({ phase: z.enum(phases), status: z.enum(runStatuses), event: z.string(), at: timestampSchema })),
  trace_id: z.string(),
});

export type RunDocument = z.infer<typeof runDocument>;

export const runListDocument = document('RunList', {
  items: z.array(
    z.object({
      run_id: z.string(),
      tenant_id: z.string(),
      workspace: z.string(),
      job_kind: z.string(),
      phase: z.string(),
      status: z.string(),
      decision: z.string().nullable(),
      actor_id: z.string(),
      created_at: timestampSchema,
      updated_at: timestampSchema,
      reason: z.string().nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});

/** What would be run, and what stands in the way: nothing was done. */
export const runPlanDocument = document('RunPlan', {
  dry_run: z.literal(true),
  tenant_id: z.string(),
  workspace: z.string(),
  job_kind: z.enum(jobKinds),
  job_digest: digestSchema,
  label_asof: timestampSchema,
  /** Whether it would start now. */
  starts: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string(), fix: z.string().nullable() })),
  /** What the pinned data holds, by its first bytes: as a run would find it. */
  inputs: z.array(
    z.object({
      name: z.string(),
      dataset_id: z.string(),
      snapshot_id: z.string(),
      /** Null where nobody who asks may know. */
      files: z.int().nullable(),
      looked_at: z.int(),
      kinds: z.array(z.string()),
      /** Why it was not looked at. */
      not_looked_at: z.string().nullable(),
    }),
  ),
  steps: z.array(
    z.object({
      step: z.string(),
      command: z.array(z.string()),
      requires: z.string().nullable(),
      timeout: z.string(),
      retries: z.int(),
      cost_units: z.number(),
      /** `depends`: on what steps before it leave, or on data that was not looked at. */
      would: z.enum(['run', 'skip', 'depends']),
      depends_on: z.string().nullable(),
      /** Of a step that would be skipped: what its receipt would say. */
      reason: z.string().nullable(),
      takeaway: z.string().nullable(),
      next_action: z.string().nullable(),
    }),
  ),
  /** The one thing to do about what would be skipped. */
  next_action: z.string().nullable(),
  /** Gates and rules that will judge its result. */
  judged_by: z.array(z.object({ code: z.string(), asks: z.string() })),
  outputs: z.array(z.object({ name: z.string(), dataset_id: z.string(), layer: z.string() })),
  limits: z.object(amounts),
});

export type Shown = {
  readonly run: JobRun;
  readonly steps: readonly JobStepRow[];
  readonly decision: { readonly body: JobDecision; readonly decision_digest: string } | null;
  readonly evidence: PlaceInLog | null;
  readonly promotions: readonly string[];
};

/** The answer to every question about a job, from what is stored. */
export function renderRun({ run, steps, decision, evidence, promotions }: Shown): RunDocument {
  const { row, state, job, file } = run;
  const running = steps.find(({ status }) => status === 'running');
  return {
    schemaVersion,
    kind: 'Run',
    run_id: row.run_id,
    run_kind: 'job',
    tenant_id: row.tenant_id,
    workspace: job.workspace,
    job_kind: file.job_kind,
    phase: row.phase as RunDocument['phase'],
    status: row.status as RunDocument['status'],
    reason: state.reason ?? null,
    actor_id: row.actor_id,
    created_at: row.created_at,
    updated_at: row.updated_at,
    job_digest: job.job_digest,
    label_asof: file.label_asof,
    inputs: file.inputs.map(({ name, dataset_id, snapshot_id, snapshot_hash }) => ({ name, dataset_id, snapshot_id, snapshot_hash })),
    policy_packs: [...file.policy_packs],
    limits: file.limits,
    used: usedBy(steps),
    manifest: manifestRows(steps),
    manifest_digest: job.manifest_digest,
    running: running === undefined ? null : { step: running.name, attempt: running.attempt, since: running.started_at },
    decision: decision === null ? null : { ...decision.body, decision_digest: decision.decision_digest },
    decision_ref: row.decision_ref,
    result_ref: job.result_ref,
    evidence,
    // Until it is allowed they are snapshots of nobody.
    outputs: row.status === 'succeeded' ? (JSON.parse(job.outputs) as OutputSnapshot[]) : [],
    next_eligible_at: row.next_eligible_at,
    defer_until: row.defer_until,
    waiting_on: row.status === 'deferred' ? [...(state.waiting_on ?? [])] : [],
    stop_asked_at: job.stop_asked_at,
    rerun_of: job.rerun_of,
    promotions: [...promotions],
    pause: pauseOf(state.pause),
    risk_level: state.risk_level ?? 'normal',
    observability_status: state.observability_status ?? null,
    observability_error: state.observability_error ?? null,
    phases: state.phases.map(({ phase, status, event, at }) => ({ phase, status, event, at })),
    trace_id: state.trace_id,
  };
}
