import { z } from 'zod';
import { digestSchema, document, layerSchema, refSchema, timestampSchema } from '../api/common.ts';
import { promotionTypeSchema } from '../policy/contract.ts';

export const outcomes = ['pass', 'fail', 'defer', 'not_required'] as const;
export const verdicts = ['allow', 'deny', 'defer'] as const;
/** `promotion` and `rollback` decide promotions; `preflight` guards clean-up and mutation of born objects. */
export const gateSets = ['promotion', 'rollback', 'preflight'] as const;

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** What a gate looked at: `age` is in seconds at `as_of`, null where the thing has no time of its own. */
export const gateEvidenceSchema = z.strictObject({ ref: z.string(), digest: z.string().nullable(), age: z.number().nullable() });

/** Who can mend it, and the command that does. Null on what needs no mending. */
export const resolveSchema = z.strictObject({ who: z.string(), command: z.string() });

export const gateAnswerSchema = z.strictObject({
  /** A structural gate's code, or `rule:<pack>/<id>`. */
  code: z.string(),
  outcome: z.enum(outcomes),
  /** Stable and finer than the outcome: `quality-skipped`, `lock-held`. */
  reason_code: z.string(),
  expected: cell,
  actual: cell,
  evidence: z.array(gateEvidenceSchema),
  reason: z.string(),
  resolve: resolveSchema.nullable(),
  /** When asking again can first give another answer; only on a defer that waits for a known moment. */
  next_eligible_at: timestampSchema.optional(),
});

export const subjectSchema = z.strictObject({
  tenant_id: z.string(),
  dataset_id: z.string(),
  from_layer: layerSchema,
  to_layer: layerSchema,
  snapshot_id: z.string(),
  /** Null where no such snapshot is known. */
  snapshot_hash: digestSchema.nullable(),
});

/** A gate or rule that did not hold and was set aside: by what, and until when. */
export const exceptionSchema = z.strictObject({
  code: z.string(),
  by: z.enum(['waiver', 'approval']),
  /** waiver_id or approval_id. */
  id: z.string(),
  expires_at: timestampSchema,
});

const body = {
  decision: z.enum(verdicts),
  run_id: z.string(),
  subject: subjectSchema,
  promotion_type: promotionTypeSchema,
  gate_set: z.enum(['promotion', 'rollback']),
  gates: z.array(gateAnswerSchema),
  /** Null when no policy set was ever activated. */
  policy_rev: digestSchema.nullable(),
  kernel_version: z.string(),
  input_digest: digestSchema,
  decided_by: z.enum(['policy', 'human', 'timeout', 'system']),
  valid_from: timestampSchema,
  valid_until: timestampSchema,
  next_eligible_at: timestampSchema.optional(),
  /** Codes of the gates that deferred. */
  waiting_on: z.array(z.string()).optional(),
  then: z.enum(['deny', 'escalate']).optional(),
  /** What the verdict was reached in spite of; left out where nothing was set aside. */
  exceptions: z.array(exceptionSchema).optional(),
};

export const decisionBodySchema = z.strictObject(body);
export const parityTags = ['exact', 'kernel-skew', 'policy-skew', 'facts-skew'] as const;

const explainedAnswerSchema = gateAnswerSchema.extend({ asks: z.string() });

/** Why a decision is what it is: what blocks first, each answer with who mends it and how. */
export const explanationSchema = z.object({
  decision: z.enum(verdicts),
  subject: subjectSchema,
  /** One sentence for a person. */
  summary: z.string(),
  denied_by: z.array(explainedAnswerSchema),
  waiting_on: z.array(explainedAnswerSchema),
  /** Rules that do not hold and do not block: warnings, and rules not yet in force. */
  warnings: z.array(explainedAnswerSchema),
  passed: z.array(explainedAnswerSchema),
  not_required: z.array(explainedAnswerSchema),
  /** What to do, in the order of the gates, each command once. */
  next: z.array(z.object({ code: z.string(), who: z.string(), command: z.string() })),
  next_eligible_at: timestampSchema.nullable(),
});

/** A decision as it is shown: by a dry run (no ref, nothing recorded) or by `decision get`. */
export const decisionDocument = document('Decision', {
  ...body,
  decision_digest: digestSchema,
  dry_run: z.boolean(),
  decision_ref: refSchema.optional(),
  parity: z.object({ tag: z.enum(parityTags), differs: z.array(z.string()) }).optional(),
  /** With --job: what the job would do that the promotion would wait for. */
  job: z
    .object({
      workspace: z.string(),
      job_digest: digestSchema,
      starts: z.boolean(),
      checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string(), fix: z.string().nullable() })),
      steps: z.array(z.string()),
      /** Steps that would be skipped, as far as the data says. */
      skips: z.array(z.object({ step: z.string(), takeaway: z.string() })),
      /** The one thing to do about them. */
      next_action: z.string().nullable(),
    })
    .optional(),
  /** With --explain. */
  explanation: explanationSchema.optional(),
});

/** `why` and `why-not`: the explanation of a run's decision, or of one that nobody asked for yet (`run_id` null). */
export const explanationDocument = document('Explanation', {
  run_id: z.string().nullable(),
  phase: z.string().nullable(),
  status: z.string().nullable(),
  decided_by: body.decided_by,
  promotion_type: promotionTypeSchema,
  policy_rev: digestSchema.nullable(),
  ...explanationSchema.shape,
  /** What a run that did not end well leaves: why, and the one thing to do. */
  lesson: z.object({ run_id: z.string(), cause: z.string(), next_action: z.string() }).nullable().optional(),
  incident_id: z.string().nullable().optional(),
  /** What people said of the run, who and until when. */
  approvals: z
    .array(
      z.object({
        verdict: z.enum(['approve', 'reject']),
        actor_id: z.string(),
        role: z.string(),
        reason: z.string(),
        overrides: z.array(z.string()),
        given_at: timestampSchema,
        expires_at: timestampSchema,
        used_by: refSchema.nullable(),
      }),
    )
    .optional(),
});

export type Outcome = (typeof outcomes)[number];
export type Verdict = (typeof verdicts)[number];
export type GateSet = (typeof gateSets)[number];
export type GateEvidence = z.infer<typeof gateEvidenceSchema>;
export type GateAnswer = z.infer<typeof gateAnswerSchema>;
export type Exception = z.infer<typeof exceptionSchema>;
export type Subject = z.infer<typeof subjectSchema>;
export type DecisionBody = z.infer<typeof decisionBodySchema>;
export type DecisionDocument = z.infer<typeof decisionDocument>;
/** A gate or rule with the question it asked. */
export type ExplainedAnswer = z.infer<typeof explainedAnswerSchema>;
export type Explanation = z.infer<typeof explanationSchema>;
export type ExplanationDocument = z.infer<typeof explanationDocument>;
export type ParityTag = (typeof parityTags)[number];

/** How long an allow may be acted on. */
export const decisionWindowMs = 15 * 60_000;
