import { z } from 'zod';
import { digestSchema, document, refSchema, timestampSchema } from '../api/common.ts';
import { outcomes, verdicts } from '../decision/decision.ts';
import { phases, runStatuses } from '../run/phase.ts';

/**
 * How much a receipt can hold. It is read by one person in one sitting: whatever the run did, it stays a page, and says how much it left
 * off. Texts are counted in characters, lists in entries.
 */
export const receiptLimits = {
  name: 160,
  text: 400,
  command: 360,
  gates: 40,
  steps: 40,
  signals: 6,
  approvals: 10,
  actions: 12,
  phases: 40,
  segments: 12,
  watch: 4,
} as const;

/** What a verdict feels like: done, not done, not yet, or neither. Renderers draw it; the word says it. */
const tones = ['good', 'bad', 'wait', 'plain'] as const;

const name = z.string().max(receiptLimits.name);
const text = z.string().max(receiptLimits.text);
const command = z.string().max(receiptLimits.command);
const count = z.int().min(0);

const verdict = z.object({
  tone: z.enum(tones),
  /** `Promoted`, `Denied`, `Waiting`: one or two words. */
  word: z.string().max(40),
  /** What happened, in one sentence for somebody who knows nothing of gates. */
  sentence: text,
  ended: z.boolean(),
});

/** One thing to do, by somebody, mostly with a command; null where there is nothing left to be done. */
const next = z.object({ what: text, who: text.nullable(), command: command.nullable() });

const signal = z.object({ name, digest: digestSchema, count });

/** A row of the manifest. */
const step = z.object({
  step: name,
  status: z.enum(['success', 'skipped', 'failed']),
  started: timestampSchema.nullable(),
  ended: timestampSchema.nullable(),
  exit_code: z.int().nullable(),
  output_digest: digestSchema.nullable(),
  reason: text.nullable(),
  /** Of a skipped step: what it means, and the one thing to do about it. */
  takeaway: text.nullable(),
  next_action: text.nullable(),
  signals: z.array(signal).max(receiptLimits.signals),
});

/** `kept_out`: it does not hold and did not count, for a warning, a waiver or an override. */
const gateStandings = ['blocks', 'waits', 'kept_out', 'passed', 'not_asked'] as const;

const gate = z.object({
  code: name,
  outcome: z.enum(outcomes),
  standing: z.enum(gateStandings),
  asks: text,
  reason: text,
  expected: text.nullable(),
  actual: text.nullable(),
  resolve: z.object({ who: text, command }).nullable(),
});

const approval = z.object({ verdict: z.enum(['approve', 'reject']), actor_id: name, role: name, reason: text, given_at: timestampSchema });

const decision = z.object({
  decision: z.enum(verdicts),
  decided_by: z.enum(['policy', 'human', 'timeout', 'system']),
  decided_at: timestampSchema,
  counts: z.object({ pass: count, fail: count, defer: count, not_required: count }),
  /** Those that decided it first; `gates_left_off` more are in the record. */
  gates: z.array(gate).max(receiptLimits.gates),
  gates_left_off: count,
  /** What the verdict was reached in spite of. */
  exceptions: text.nullable(),
  approvals: z.array(approval).max(receiptLimits.approvals),
  approvals_left_off: count,
});

const evidence = z.object({
  log: name,
  decision_ref: refSchema.nullable(),
  /** The newest record of the run, and where it stands. Null until a checkpoint covers it. */
  place: z.object({ ref: refSchema, leaf_index: count, tree_size: count }).nullable(),
  /** How to verify all of it without trusting whoever hands over this page: commands, in order. */
  verify: z.array(z.object({ what: text, command })).max(4),
});

const audit = z.object({
  status: z.enum(['COMPLETE', 'INCOMPLETE', 'STALE']),
  sentence: text,
  owed: count,
  acknowledged: count,
  missing: z.array(name).max(receiptLimits.actions),
  drift: z.array(name).max(receiptLimits.actions),
  /** What was done, or would have been, and was undone: history is not erased. Left out where nothing was. */
  rolled_back: z
    .array(z.object({ action: name, reason: text, at: timestampSchema }))
    .max(receiptLimits.actions)
    .optional(),
  left_off: count,
  stale_run: z.boolean(),
  is_clean: z.boolean(),
  /** The first report of the periodic reconciliation that looked at the run as it stands; null before there is one. */
  report: z.object({ report_id: count, as_of: timestampSchema, digest: digestSchema }).nullable(),
});

/** Something worth looking at on the side; never a forecast. */
const watch = z.object({
  /** The industry whose list it is, as a title. */
  title: name,
  items: z.array(z.object({ watch: text, why: text, sign: text })).max(receiptLimits.watch),
});

const technical = z.object({
  phase: z.enum(phases),
  status: z.enum(runStatuses),
  trace_id: name,
  environment: name,
  service_release_id: name,
  kernel_version: name.nullable(),
  policy_rev: digestSchema.nullable(),
  input_digest: digestSchema.nullable(),
  decision_digest: digestSchema.nullable(),
  manifest_digest: digestSchema.nullable(),
  phases: z
    .array(z.object({ phase: z.enum(phases), status: z.enum(runStatuses), event: name, at: timestampSchema }))
    .max(receiptLimits.phases),
  phases_left_off: count,
  segments: z
    .array(z.object({ n: count, policy_rev: digestSchema.nullable(), config_digest: digestSchema.nullable(), from: timestampSchema }))
    .max(receiptLimits.segments),
  segments_left_off: count,
});

/** What a run leaves for a person: how it ended, why, what to do, and how to prove it. Finite, and the same for the same state. */
export const receiptDocument = document('Receipt', {
  run_id: name,
  run_kind: z.enum(['promotion', 'rollback', 'job']),
  tenant_id: name,
  /** Dataset, or workspace of a job. */
  dataset_id: name,
  from_layer: name.nullable(),
  to_layer: name.nullable(),
  snapshot_id: name.nullable(),
  verdict,
  next,
  requested_by: name,
  created_at: timestampSchema,
  /** When it ended; null while it is open. */
  ended_at: timestampSchema.nullable(),
  /** Why it was asked for or ended, as a person said it. */
  reason: text.nullable(),
  supersedes: name.nullable(),
  rolls_back: name.nullable(),
  steps: z.array(step).max(receiptLimits.steps),
  steps_left_off: count,
  decision: decision.nullable(),
  evidence: evidence.nullable(),
  audit,
  /** The duty that a rollback left. */
  pending_audit: z.object({ audit_id: name, owner: name, due_at: timestampSchema, closed: z.boolean() }).nullable(),
  incident: z.object({ incident_id: name, severity: name, state: name, error_code: name.nullable() }).nullable(),
  lesson: z.object({ cause: text, next_action: text }).nullable(),
  watch: watch.optional(),
  /** Where to get help with data that was broken, for a limited time. Knows nothing but a reference. */
  remote_assist: z.object({ url: z.string().max(2048), expires_at: timestampSchema }).nullable(),
  technical,
});

export type Receipt = z.infer<typeof receiptDocument>;
export type ReceiptGate = z.infer<typeof gate>;
export type ReceiptStep = z.infer<typeof step>;
export type Tone = (typeof tones)[number];
