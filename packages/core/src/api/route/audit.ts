import { z } from 'zod';
import { digestSchema, document, layerSchema, nameSchema, refSchema, runIdSchema, tenantSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const reason = z.string().min(3).max(1024);
const hold = z.object({
  hold_id: z.string(),
  tenant_id: z.string(),
  dataset_id: z.string(),
  layer: layerSchema,
  reason: z.string(),
  run_id: z.string().nullable(),
  placed_at: timestampSchema,
  placed_by: z.string(),
  lifted_at: timestampSchema.nullable(),
  lifted_by: z.string().nullable(),
  lift_reason: z.string().nullable(),
});
const pendingAudit = z.object({
  audit_id: z.string(),
  run_id: z.string(),
  tenant_id: z.string(),
  dataset_id: z.string(),
  layer: layerSchema,
  owner: z.string(),
  reason: z.string(),
  opened_at: timestampSchema,
  due_at: timestampSchema,
  overdue: z.boolean(),
  closed_at: timestampSchema.nullable(),
  closed_by: z.string().nullable(),
  close_reason: z.string().nullable(),
});

export const findingClasses = ['missing', 'drift', 'stale', 'invalid', 'failed', 'world'] as const;

/** One thing that should be and is not, or the other way round, with the command that mends it. */
export const findingSchema = z.object({
  class: z.enum(findingClasses),
  /** What was compared: `audit`, `promotion-leaf`, `pointer-object`, `handoff-lag`, `outbox`, `lock`, `overdue-audit`, `intent`, `unknown-run`; of what was damaged `run-state`, `undone-ack`, `job-file`. */
  check: z.string(),
  severity: z.enum(['high', 'medium']),
  subject: z.string(),
  expected: z.string(),
  observed: z.string(),
  age_s: z.number().nullable(),
  fix: z.string().nullable(),
  /** What --fix did about it. */
  fixed: z.string().optional(),
});
export type ReconcileFinding = z.infer<typeof findingSchema>;

export const runAuditSchema = z.object({
  run_id: z.string(),
  status: z.enum(['COMPLETE', 'INCOMPLETE', 'STALE']),
  missing_actions: z.array(z.string()),
  drift_actions: z.array(z.string()),
  stale_run: z.boolean(),
  is_clean: z.boolean(),
  /** What it owes, declared when it started. */
  expectations: z
    .array(
      z.object({
        domain: z.string(),
        action: z.string(),
        /** Counted from its start, without what it spent queued, deferred or paused. */
        deadline_ms: z.number().nullable(),
        status: z.enum(['PENDING', 'ACKED', 'MISSING', 'VOIDED']),
      }),
    )
    .optional(),
  /** What it says it did, with the digest of what was really there then. */
  acks: z
    .array(
      z.object({
        domain: z.string(),
        action: z.string(),
        result_id: z.string().nullable(),
        error: z.string().nullable(),
        observed: z.string().nullable(),
        at: timestampSchema,
      }),
    )
    .optional(),
  /** Acks of what was undone: they stay visible, and settle nothing. */
  undone: z.array(
    z.object({
      domain: z.string(),
      action: z.string(),
      result_id: z.string().nullable(),
      status: z.literal('ROLLED_BACK'),
      rolled_back: z.literal(true),
      rollback_reason: z.string(),
      metadata: z.record(z.string(), z.unknown()),
      at: timestampSchema,
    }),
  ),
});

export const reconciliationDocument = document('Reconciliation', {
  as_of: timestampSchema,
  findings: z.array(findingSchema),
  /** Findings beyond those listed. */
  left_out: z.number().int().optional(),
  /** How many of each were compared: a check that looked at nothing says so. */
  checked: z.record(z.string(), z.number().int()),
  runs: z.array(runAuditSchema).optional(),
  clean: z.boolean(),
});

/** Holds, pending audits and reconciliation. */
export const auditRoutes = defineRoutes({
  'hold.ls': {
    method: 'GET',
    path: '/v1/holds',
    summary: 'Targets on hold',
    action: 'hold.read',
    listener: 'operator',
    query: z.strictObject({
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
      all: z.enum(['true', 'false']).optional(),
    }),
    response: document('HoldList', { items: z.array(hold) }),
    problems: [],
  },
  'hold.place': {
    method: 'POST',
    path: '/v1/holds',
    summary: 'Put a target on hold: nothing is promoted to it, and no evidence of its dataset is erased',
    action: 'hold.place',
    listener: 'operator',
    body: z.strictObject({ tenant_id: tenantSchema, dataset_id: nameSchema, layer: layerSchema, reason }),
    response: document('Hold', { ...hold.shape, evidence_ref: refSchema.nullable() }),
    problems: ['not-found', 'forbidden', 'evidence-unavailable'],
  },
  'hold.lift': {
    method: 'POST',
    path: '/v1/holds/:hold_id/lift',
    summary: 'Let a target be promoted to again',
    action: 'hold.lift',
    listener: 'operator',
    params: z.strictObject({ hold_id: nameSchema }),
    body: z.strictObject({ reason }),
    response: document('Hold', { ...hold.shape, evidence_ref: refSchema.nullable() }),
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
  'audit.overdue': {
    method: 'GET',
    path: '/v1/audits',
    summary: 'Pending audits, overdue ones first',
    action: 'audit.read',
    listener: 'operator',
    query: z.strictObject({
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
      all: z.enum(['true', 'false']).optional(),
    }),
    response: document('PendingAuditList', { items: z.array(pendingAudit) }),
    problems: [],
  },
  'audit.close': {
    method: 'POST',
    path: '/v1/audits/:audit_id/close',
    summary: 'Close a pending audit with what was found',
    action: 'audit.close',
    listener: 'operator',
    params: z.strictObject({ audit_id: nameSchema }),
    body: z.strictObject({ reason }),
    response: document('PendingAudit', { ...pendingAudit.shape, evidence_ref: refSchema.nullable() }),
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
  'reconcile.run': {
    method: 'POST',
    path: '/v1/reconcile',
    summary: 'What should have happened against what did; --fix does the safe mends',
    action: 'reconcile.run',
    listener: 'operator',
    body: z.strictObject({ run_id: runIdSchema.optional(), since: timestampSchema.optional(), fix: z.boolean().default(false) }),
    response: reconciliationDocument,
    problems: ['not-found', 'forbidden', 'evidence-unavailable'],
  },
  'reconcile.reports': {
    method: 'GET',
    path: '/v1/reconcile/reports',
    summary: 'Reports of the periodic reconciliation, newest first',
    action: 'reconcile.run',
    listener: 'operator',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(50) }),
    response: document('ReconcileReportList', {
      items: z.array(
        z.object({
          report_id: z.number().int(),
          as_of: timestampSchema,
          clean: z.boolean(),
          findings: z.number().int(),
          by_class: z.record(z.string(), z.number().int()),
          checked: z.record(z.string(), z.number().int()),
          /** Of the stored report. */
          digest: digestSchema,
          /** The record that names this digest. */
          evidence_ref: refSchema,
        }),
      ),
    }),
    problems: ['forbidden'],
  },
  'reconcile.report': {
    method: 'GET',
    path: '/v1/reconcile/reports/:report_id',
    summary: 'One report, as it was stored',
    action: 'reconcile.run',
    listener: 'operator',
    params: z.strictObject({ report_id: z.coerce.number().int().min(1) }),
    response: reconciliationDocument,
    problems: ['forbidden', 'not-found', 'gone', 'digest-mismatch'],
  },
});
