import { z } from 'zod';
import { digestSchema, layerSchema, nameSchema, timestampSchema } from '../api/common.ts';
import { grantSchema } from '../identity/actor.ts';
import { contractSchema, promotionTypeSchema } from '../policy/contract.ts';
import { checkFactSchema } from '../quality/check.ts';
import { submittedBundleSchema } from './bundle.ts';
import { coverageStates } from './coverage-state.ts';

const count = z.int().min(0);

export const requestFactSchema = z.strictObject({
  run_id: nameSchema,
  tenant_id: nameSchema,
  dataset_id: nameSchema,
  from_layer: layerSchema,
  to_layer: layerSchema,
  promotion_type: promotionTypeSchema,
  snapshot_id: z.string().max(256),
  /** What the caller said it expects, or null where it said nothing. */
  expected_policy_rev: digestSchema.nullable(),
  expected_parity_contract: digestSchema.nullable(),
  expected_config_digest: digestSchema.nullable(),
  actor: z.strictObject({ actor_id: z.string(), source_type: z.enum(['SYSTEM', 'HUMAN']), authenticated_by: z.string() }),
  /** The actor's grants, all of them: which apply is for the kernel to say. */
  grants: z.array(grantSchema),
});

/** The deployment that decides. */
export const environmentFactSchema = z.strictObject({
  name: z.string(),
  parity_contract: digestSchema,
  config_digest: digestSchema.nullable(),
  service_release_id: z.string(),
});

/** The row of `snapshot`. */
export const snapshotFactSchema = z.strictObject({
  snapshot_id: z.string(),
  tenant_id: z.string(),
  dataset_id: z.string(),
  layer: layerSchema,
  snapshot_hash: digestSchema,
  file_count: count,
  total_bytes: count,
  missing_objects: count,
  environment: z.string(),
  service_release_id: z.string(),
  created_at: timestampSchema,
  verification: z.enum(['registered', 'verified', 'withdrawn']),
  verified_at: timestampSchema.nullable(),
  quarantined_at: timestampSchema.nullable(),
  quarantine_reason: z.string().nullable(),
  flagged_reason: z.string().nullable(),
});

/** The newest generation of `pointer` for a layer. */
export const pointerFactSchema = z.strictObject({
  generation: count,
  snapshot_id: z.string(),
  snapshot_hash: digestSchema,
  decision_ref: z.string(),
  moved_at: timestampSchema,
});

export const lockFactSchema = z.strictObject({ holder: z.string(), fence: count, expires_at: timestampSchema });

export const holdFactSchema = z.strictObject({
  hold_id: z.string(),
  reason: z.string(),
  run_id: z.string().nullable(),
  placed_at: timestampSchema,
});

export const auditFactSchema = z.strictObject({
  audit_id: z.string(),
  run_id: z.string(),
  owner: z.string(),
  reason: z.string(),
  opened_at: timestampSchema,
  due_at: timestampSchema,
});

/** Handoff coverage of the deployment, and whether the contract's object is inside it. */
export const coverageFactSchema = z.strictObject({
  state: z.enum(coverageStates),
  object_key: z.string(),
  /** The object has a candidate row; null when that cannot be told. */
  covered: z.boolean().nullable(),
  lag_rows: count.nullable(),
  last_poll_at: timestampSchema.nullable(),
});

export const packFactSchema = z.strictObject({
  name: nameSchema,
  version: z.string(),
  digest: digestSchema,
  /** The YAML, byte for byte: in saved files and exports, so that they stand alone; left out on the hot path. */
  source: z.string().optional(),
});

export const signerKeyFactSchema = z.strictObject({
  key_id: z.string(),
  role: nameSchema,
  /** SubjectPublicKeyInfo in base64. */
  public_key: z.string(),
  valid_from: timestampSchema,
  valid_until: timestampSchema.nullable(),
  revoked_at: timestampSchema.nullable(),
});

/** What a person said of one request. It counts for that request, snapshot, target and policy set alone, until it expires or is used. */
export const approvalFactSchema = z.strictObject({
  approval_id: z.string(),
  verdict: z.enum(['approve', 'reject']),
  actor_id: z.string(),
  /** The role it was given in; `approver` where the contract names none. */
  role: z.string(),
  request_id: z.string(),
  snapshot_hash: digestSchema,
  target: z.string(),
  policy_rev: digestSchema,
  reason: z.string(),
  /** Codes of gates and rules it sets aside. */
  overrides: z.array(z.string()),
  given_at: timestampSchema,
  expires_at: timestampSchema,
  /** Ref of the decision that used it up. */
  used_by: digestSchema.nullable(),
  evidence_ref: digestSchema,
});

/** A waiver of the dataset that is not revoked: one gate or rule, for the dataset or a part of it, until a stated time. */
export const waiverFactSchema = z.strictObject({
  waiver_id: z.string(),
  rule: z.string(),
  /** Null for every layer. */
  layer: layerSchema.nullable(),
  /** Null for every snapshot. */
  snapshot_id: z.string().nullable(),
  reason: z.string(),
  granted_by: z.string(),
  granted_at: timestampSchema,
  expires_at: timestampSchema,
  evidence_ref: digestSchema,
});

/** A finished job, as rules see it. */
export const jobFactSchema = z.strictObject({
  run_id: z.string(),
  workspace: z.string(),
  job_kind: z.string(),
  label_asof: timestampSchema,
  industry: z.string().nullable(),
  inputs: z.array(z.strictObject({ name: z.string(), dataset_id: z.string(), snapshot_id: z.string(), snapshot_hash: digestSchema })),
  steps: z.array(
    z.strictObject({
      step: z.string(),
      status: z.string(),
      exit_code: z.int().nullable(),
      seconds: z.number(),
      reason: z.string().nullable(),
      takeaway: z.string().nullable(),
    }),
  ),
  signals: z.array(z.strictObject({ step: z.string(), name: z.string(), digest: digestSchema, count })),
  outputs: z.array(
    z.strictObject({
      name: z.string(),
      dataset_id: z.string(),
      layer: z.string(),
      snapshot_hash: digestSchema,
      file_count: count,
      total_bytes: count,
    }),
  ),
  succeeded: count,
  skipped: count,
  failed: count,
  seconds: z.number(),
  cost_units: z.number(),
  limits: z.strictObject({ steps: count, seconds: z.number(), cost_units: z.number() }),
  manifest_digest: digestSchema,
  /** The record of its end; null while it is judged. */
  result_ref: digestSchema.nullable(),
});

/** The job that a promotion comes after, as it stands. */
export const jobRunFactSchema = z.strictObject({
  run_id: z.string(),
  /** A phase of the kernel, or `UNKNOWN` where there is no such job any more. */
  phase: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  result_ref: digestSchema.nullable(),
});

/** The tenant may run nothing. */
export const suspensionFactSchema = z.strictObject({
  suspension_id: z.string(),
  reason: z.string(),
  suspended_at: timestampSchema,
  suspended_by: z.string(),
  evidence_ref: digestSchema,
});

/**
 * Everything a decision is made from, in one object: rows as the database has them, read in one transaction. The kernel sees nothing
 * else. The asking run's own row, lock and quota use are left out, so that asking twice gives the same facts.
 */
export const factsSchema = z.strictObject({
  /** The deployment's clock when the facts were read; the kernel's only time. */
  as_of: timestampSchema,
  kernel_version: z.string(),
  environment: environmentFactSchema,
  request: requestFactSchema,
  /** A complete bundle the caller submitted; null when the daemon builds it from snapshot, checks and contract. */
  bundle: submittedBundleSchema.nullable(),
  contract: z.strictObject({ version: count, digest: digestSchema, body: contractSchema }).nullable(),
  /** The contract's pinned packs that are stored here; one that is missing here is missing. */
  packs: z.array(packFactSchema),
  /** The active set; null when nothing was ever activated. */
  policy: z
    .strictObject({
      policy_rev: digestSchema,
      packs: z.array(z.strictObject({ name: z.string(), version: z.string(), digest: digestSchema })),
    })
    .nullable(),
  snapshot: snapshotFactSchema.nullable(),
  /** Of the snapshot: `latestChecks()` of its imports. */
  checks: z.array(checkFactSchema),
  pointers: z.strictObject({ from: pointerFactSchema.nullable(), to: pointerFactSchema.nullable() }),
  /** Whoever else holds the target; null when nobody does. */
  lock: lockFactSchema.nullable(),
  /** Not lifted, of the target. */
  holds: z.array(holdFactSchema),
  /** Not closed, of the target. */
  pending_audits: z.array(auditFactSchema),
  /** Null when nothing is known of handoff. */
  coverage: coverageFactSchema.nullable(),
  /** Build authorizations of the contract's object; null when that cannot be told. */
  ospa_count: count.nullable(),
  signer_keys: z.array(signerKeyFactSchema),
  /** Of this request, all of them: which count is for the kernel to say. Facts of kernel 1 have none. */
  approvals: z.array(approvalFactSchema).default([]),
  /** Of the dataset, not revoked; those that ran out lately too, so that it can be said. */
  waivers: z.array(waiverFactSchema).default([]),
  /** The job this promotion comes after, which has succeeded; left out where there is none. */
  job: jobFactSchema.optional(),
  /** Where it stands; left out where this promotion comes after none. */
  job_run: jobRunFactSchema.optional(),
  /** Left out where the tenant is not suspended: what was decided before there were suspensions is decided alike. */
  suspension: suspensionFactSchema.optional(),
  /** For a rollback: the newest earlier generation of the target layer that points at the snapshot, null when there is none. */
  rollback: z.strictObject({ target_generation: count.nullable() }).nullable(),
});

export type Facts = z.infer<typeof factsSchema>;
export type RequestFact = z.infer<typeof requestFactSchema>;
export type SnapshotFact = z.infer<typeof snapshotFactSchema>;
export type PointerFact = z.infer<typeof pointerFactSchema>;
export type LockFact = z.infer<typeof lockFactSchema>;
export type HoldFact = z.infer<typeof holdFactSchema>;
export type AuditFact = z.infer<typeof auditFactSchema>;
export type CoverageFact = z.infer<typeof coverageFactSchema>;
export type PackFact = z.infer<typeof packFactSchema>;
export type ContractFact = NonNullable<Facts['contract']>;
export type ApprovalFact = z.infer<typeof approvalFactSchema>;
export type WaiverFact = z.infer<typeof waiverFactSchema>;
export type JobFact = z.infer<typeof jobFactSchema>;
export type JobRunFact = z.infer<typeof jobRunFactSchema>;
export type SignerKeyFact = z.infer<typeof signerKeyFactSchema>;

/** A facts file (`--save-facts`, `--facts`): the facts in the envelope every document of the product has. */
export const factsDocument = factsSchema.extend({ schemaVersion: z.literal('govctl/v1'), kind: z.literal('Facts') });
