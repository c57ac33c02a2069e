import { z } from 'zod';
import { digestSchema, document, layerSchema, refSchema, schemaVersion, timestampSchema } from '../api/common.ts';
import { auditSummary } from '../audit/owed.ts';
import { type DecisionBody, decisionBodySchema, explanationSchema } from '../decision/decision.ts';
import { approvalFactSchema } from '../decision/facts.ts';
import { lessonSchema } from '../incident/lesson.ts';
import { observabilityStatuses } from '../run/observability.ts';
import { pauseDocument, pauseOf } from '../run/pause-document.ts';
import { phases, runStatuses } from '../run/phase.ts';
import { riskLevels } from '../run/threshold.ts';
import type { RunState } from './run-state.ts';
import type { RunRow } from './write.ts';

const active = z.object({
  dataset_id: z.string(),
  layer: layerSchema,
  snapshot_id: z.string(),
  generation: z.number().int(),
  decision_ref: refSchema,
});

/** What a person said of the run; `used_by` is the decision that leaned on it. */
const approval = approvalFactSchema
  .pick({
    approval_id: true,
    verdict: true,
    actor_id: true,
    role: true,
    reason: true,
    overrides: true,
    given_at: true,
    expires_at: true,
    used_by: true,
    evidence_ref: true,
  })
  .strip();

const pendingAudit = z.object({ audit_id: z.string(), owner: z.string(), due_at: timestampSchema });

/** Where the run's newest record stands in the log, with everything an auditor needs to check it now. */
export const placeInLog = z.object({
  ref: refSchema,
  leaf_index: z.number().int(),
  tree_size: z.number().int(),
  /** RFC 9162 inclusion proof, base64, leaf side first. */
  proof: z.array(z.string()),
  /** The signed checkpoint of that tree. */
  checkpoint: z.string(),
});

/** A promotion as an operator sees it; a final one is the same bytes every time it is asked for. */
export const promotionDocument = document('Promotion', {
  run_id: z.string(),
  run_kind: z.enum(['promotion', 'rollback']),
  tenant_id: z.string(),
  dataset_id: z.string(),
  from_layer: layerSchema,
  to_layer: layerSchema,
  snapshot_id: z.string(),
  phase: z.enum(phases),
  status: z.enum(runStatuses),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  decision: z.object({ ...decisionBodySchema.shape, decision_digest: digestSchema }).nullable(),
  decision_ref: refSchema.nullable(),
  evidence: placeInLog.nullable(),
  active: active.nullable(),
  next_eligible_at: timestampSchema.nullable(),
  defer_until: timestampSchema.nullable(),
  waiting_on: z.array(z.string()),
  reason: z.string().nullable(),
  supersedes: z.string().nullable(),
  /** The job it comes after. */
  job_run_id: z.string().nullable(),
  rolls_back: z.string().nullable(),
  pending_audit: pendingAudit.nullable(),
  /** What the end of the run opened, where it did not end well. */
  incident_id: z.string().nullable(),
  /** Whether what the run owed was done and acknowledged. */
  audit: z.object({
    status: z.enum(['COMPLETE', 'INCOMPLETE', 'STALE']),
    missing_actions: z.array(z.string()),
    drift_actions: z.array(z.string()),
    stale_run: z.boolean(),
    is_clean: z.boolean(),
  }),
  /** Why it ended as it did, and the one thing to do. */
  lesson: lessonSchema.nullable(),
  /** The policy set it was judged under last; what an approval is for. */
  policy_rev: digestSchema.nullable(),
  approvals: z.array(approval),
  phases: z.array(z.object({ phase: z.enum(phases), status: z.enum(runStatuses), event: z.string(), at: timestampSchema })),
  trace_id: z.string(),
  pause: pauseDocument.nullable(),
  /** How near it came to what it may use; observational. */
  risk_level: z.enum(riskLevels),
  /** Null while every part of its trace was written. */
  observability_status: z.enum(observabilityStatuses).nullable(),
  observability_error: z.string().nullable(),
  /** With --explain; the daemon never sends it. */
  explanation: explanationSchema.optional(),
});

export type PromotionDocument = z.infer<typeof promotionDocument>;
export type PlaceInLog = z.infer<typeof placeInLog>;

/**
 * The answer to a promotion, from what is stored: the same function answers the first request, its retries and `promotion get`,
 * so a replay is byte-identical without storing every answer a second time.
 */
export function renderPromotion(
  row: RunRow,
  state: RunState,
  decision: { readonly body: DecisionBody; readonly decision_digest: string } | null,
  evidence: PlaceInLog | null,
  approvals: PromotionDocument['approvals'],
): PromotionDocument {
  return {
    schemaVersion,
    kind: 'Promotion',
    run_id: row.run_id,
    run_kind: row.kind === 'rollback' ? 'rollback' : 'promotion',
    tenant_id: row.tenant_id,
    dataset_id: row.dataset_id,
    from_layer: row.from_layer as PromotionDocument['from_layer'],
    to_layer: row.to_layer as PromotionDocument['to_layer'],
    snapshot_id: row.snapshot_id ?? '',
    phase: row.phase as PromotionDocument['phase'],
    status: row.status as PromotionDocument['status'],
    created_at: row.created_at,
    updated_at: row.updated_at,
    decision: decision === null ? null : { ...decision.body, decision_digest: decision.decision_digest },
    decision_ref: row.decision_ref,
    evidence,
    active: (state.active as PromotionDocument['active']) ?? null,
    next_eligible_at: row.next_eligible_at,
    defer_until: row.defer_until,
    waiting_on: waitingOn(row, state),
    reason: state.reason ?? null,
    supersedes: state.supersedes ?? null,
    job_run_id: state.job_run_id ?? null,
    rolls_back: state.rolls_back ?? null,
    pending_audit: state.pending_audit ?? null,
    incident_id: state.incident_id ?? null,
    audit: auditOf(state),
    lesson: state.lesson ?? null,
    policy_rev: state.segments.at(-1)?.policy_rev ?? null,
    approvals: [...approvals],
    phases: state.phases.map(({ phase, status, event, at }) => ({ phase, status, event, at })),
    trace_id: state.trace_id,
    pause: pauseOf(state.pause),
    risk_level: state.risk_level ?? 'normal',
    observability_status: state.observability_status ?? null,
    observability_error: state.observability_error ?? null,
  };
}

function waitingOn(row: RunRow, state: RunState): string[] {
  if (row.phase === 'GOVERNANCE_CHECK') return [...(state.waiting_on ?? [])];
  return row.status === 'incomplete' && state.awaits !== undefined ? [state.awaits] : [];
}

function auditOf(state: RunState): PromotionDocument['audit'] {
  const { missing_actions, drift_actions, ...audit } = auditSummary(state);
  return { ...audit, missing_actions: [...missing_actions], drift_actions: [...drift_actions] };
}
