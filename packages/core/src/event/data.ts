import { z } from 'zod';
import { digestSchema, timestampSchema } from '../api/common.ts';
import { verdicts } from '../decision/decision.ts';
import { pauseReasons, pauseTimeouts, resumeAuthorities } from '../run/pause.ts';
import { riskLevels } from '../run/threshold.ts';
import type { EventType } from './event.ts';

const text = z.string();
const ref = digestSchema.nullable();
const count = z.int();
const moved = z.strictObject({ decision_ref: digestSchema, snapshot_id: text, snapshot_hash: digestSchema, generation: count });
const found = z.strictObject({ domain: text, action: text, detail: text });
const bundle = { bundle_id: text, version: text };
const pack = z.strictObject({ name: text, version: text, digest: digestSchema });

/**
 * What `data` of each type holds besides the scope that every event carries. Closed: what is not named here is sent by nobody, and what is not
 * optional is in every event of the type. Fields are added, and never renamed or removed.
 */
export const eventData = {
  'operations.job.completed': z.strictObject({ status: z.literal('succeeded'), manifest_digest: ref.optional() }),
  'operations.job.failed': z.strictObject({ status: text, reason: text.optional(), failing_gates: z.array(text).optional() }),
  'store.gdp.promoted': moved,
  'store.kpi.promoted': moved,
  'store.promotion.failed': z.strictObject({ decision_ref: ref, reason: text.nullable(), rolls_back: text.nullable() }),
  'governance.contract.promoted': z.strictObject({ evidence_ref: ref, decision_ref: ref, contract_id: text.nullable().optional() }),
  'governance.decision.recorded': z.strictObject({
    decision: z.enum(verdicts),
    decision_ref: digestSchema,
    waiting_on: z.array(text),
  }),
  'handoff.object_born': z.strictObject({ object_key: text, object_type: text.nullable(), born_at: text }),
  'handoff.stale': z.strictObject({ last_poll_at: text.nullable() }),
  'handoff.recovered': z.strictObject({ stale_since: text.nullable() }),
  'run.started': z.strictObject({ kind: text, trace_id: text }),
  'run.completed': z.strictObject({ incident_id: text.nullable(), policy_eval_id: ref, trace_id: text }),
  'run.failed': z.strictObject({
    status: text,
    trace_id: text,
    reason: text.optional(),
    decision_ref: ref.optional(),
    decided_by: text.optional(),
    incident_id: text.nullable().optional(),
  }),
  'run.paused': z.strictObject({
    pause_reason: z.enum(pauseReasons),
    reason: text,
    authorities: z.array(z.enum(resumeAuthorities)),
    sla_ms: z.number(),
    expires_at: timestampSchema,
    timeout: z.enum(pauseTimeouts),
    lock: text.nullable(),
  }),
  'run.resumed': z.strictObject({
    pause_reason: z.enum(pauseReasons),
    reason: text,
    authority: z.enum([...resumeAuthorities, 'timeout']),
    paused_ms: z.number(),
  }),
  'incident.created': z.strictObject({
    incident_id: text,
    incident_kind: text,
    run_status: text.nullable(),
    error_code: text,
    severity: text,
    reason: text,
  }),
  'incident.resolved': z.strictObject({ incident_id: text, error_code: text, resolved_by: text, reason: text }),
  'policy.evaluated': z.strictObject({ policy_rev: ref, decision_digest: digestSchema }),
  'threshold.exceeded': z.strictObject({ threshold: text, limit: z.number(), value: z.number(), risk_level: z.enum(riskLevels) }),
  'trace.started': z.strictObject({ trace_id: text }),
  'trace.completed': z.strictObject({ trace_id: text, kind: text, observability_status: text.nullable() }),
  'audit.reconciliation.missing': found,
  'audit.reconciliation.drift': found,
  'audit.reconciliation.stale': found,
  'audit.reconciliation.invalid': found,
  'audit.reconciliation.failed': found,
  'registry.bundle.published': z.strictObject({ ...bundle, digest: digestSchema }),
  'registry.bundle.activated': z.strictObject({ ...bundle, scope: text }),
  'registry.bundle.rolled_back': z.strictObject({ ...bundle, scope: text }),
  'policy.rev.changed': z.strictObject({ from: ref, to: digestSchema, activation: count, pack, active: z.boolean() }),
  'key.rotated': z.strictObject({ key_id: text, successor: text }),
  'evidence.ref.resolved': z.strictObject({ evidence_ref: digestSchema, outcome: text, actor_id: text, resolution_ref: digestSchema }),
  'lock.broken': z.strictObject({ reason: text, holder: text.nullable(), fence: count, broken_by: text }),
} as const satisfies Record<EventType, z.ZodObject>;

/** Names of what `data` of a type holds, with a question mark where it is not in every event. */
export function dataFields(type: EventType): string[] {
  return Object.entries(eventData[type].shape).map(([name, field]) => (field.safeParse(undefined).success ? `${name}?` : name));
}
