import { z } from 'zod';
import { confirmationSchema, digestSchema, nameSchema, refSchema, timestampSchema } from '../api/common.ts';
import { decisionBodySchema } from '../decision/decision.ts';

/** What a record can be about; the predicate type is `urn:govctl:predicate:<kind>:v1`, but that of a summary is SLSA's own. */
export const recordKinds = [
  'decision',
  'promotion',
  'approval',
  'waiver',
  'ref-resolution',
  'key-event',
  'run-result',
  'audit',
  'registry-event',
  'governance-fact',
  'verification-summary',
] as const;

export type RecordKind = (typeof recordKinds)[number];

const json = z.json();
const text = z.string().max(4096);
const name = z.string().min(1).max(512);
const index = z.number().int().min(0);

/** Who did it, and how that was known: `api-key:<key_id>` names a credential, never its secret. */
export const evidenceActorSchema = z.strictObject({ actor_id: name, authenticated_by: name });

/** What every predicate says. The first four come from the record itself, so that row and statement cannot differ. */
const common = {
  run_id: nameSchema.nullable(),
  tenant_id: nameSchema,
  dataset_id: nameSchema.nullable(),
  recorded_at: timestampSchema,
  environment: nameSchema,
  service_release_id: name,
  actor: evidenceActorSchema,
  /** 128 random bits: the digest in the log does not give the payload away, and a payload can be erased. */
  salt: z.string().regex(/^[0-9a-f]{32}$/, 'a salt of 32 lower-case hex digits'),
  /** Ref of the run's record before this one. */
  previous: refSchema.nullable(),
};

const policyRef = z.strictObject({ name, version: name, digest: digestSchema });
const hex256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256: 64 lower-case hex digits');
const inputRef = z.strictObject({ ref: name, digest: digestSchema });

/** One closed schema a kind. A field that a verifier does not know makes a record invalid, never weaker. */
export const predicateSchemas = {
  decision: z.strictObject({
    ...common,
    /** The decision body, whole. */
    decision: decisionBodySchema,
    /** JCS digest of the body: equal on every path that decides from the same facts. */
    decision_digest: digestSchema,
    /** Digest of the stored facts; null when they are not kept. */
    facts_digest: digestSchema.nullable(),
    policies: z.array(policyRef),
    inputs: z.array(inputRef),
  }),
  promotion: z.strictObject({
    ...common,
    promotion_type: name,
    from_layer: name.nullable(),
    to_layer: name,
    snapshot_id: nameSchema,
    snapshot_hash: digestSchema,
    generation: index,
    fence: index,
    replaced_snapshot_id: nameSchema.nullable(),
    decision_ref: refSchema,
    policy_rev: digestSchema.nullable(),
  }),
  approval: z.strictObject({
    ...common,
    request_id: name,
    verdict: z.enum(['approve', 'reject']),
    role: name,
    snapshot_hash: digestSchema,
    target: name,
    policy_rev: digestSchema,
    reason: text,
    overrides: z.array(name),
    expires_at: timestampSchema,
  }),
  waiver: z.strictObject({ ...common, waiver_id: nameSchema, rule: name, subject: name, reason: text, expires_at: timestampSchema }),
  'ref-resolution': z.strictObject({
    ...common,
    ref: refSchema,
    outcome: z.enum(['allow', 'deny']),
    reason: text,
    request_id: name,
    digest: digestSchema.nullable(),
    length: index.nullable(),
    jti: name.nullable(),
    expires_at: timestampSchema.nullable(),
    /** The client certificate that the URL works for alone, as its claims have it; left out where it works for whoever has it. */
    cnf: confirmationSchema.optional(),
  }),
  'key-event': z.strictObject({
    ...common,
    event: z.enum(['enrolled', 'rotated', 'revoked']),
    purpose: z.enum(['decision', 'log', 'capability', 'token']),
    keyid: z.string().regex(/^[0-9a-f]{64}$/, 'a key id: 64 lower-case hex digits'),
    /** DER SubjectPublicKeyInfo, base64. */
    public_key: name,
    from_index: index,
    to_index: index.nullable(),
    reason: text,
  }),
  'run-result': z.strictObject({
    ...common,
    run_kind: name,
    phase: name,
    status: name,
    decision_ref: refSchema.nullable(),
    manifest_digest: digestSchema.nullable(),
    reason: text,
  }),
  audit: z.strictObject({ ...common, event: name, audit_id: name, outcome: name, reason: text, detail: z.record(z.string(), json) }),
  'registry-event': z.strictObject({ ...common, event: name, bundle_id: name, bundle_digest: digestSchema, scope_key: name, reason: text }),
  'governance-fact': z.strictObject({
    ...common,
    /** `contract.apply`, `lock.break`, `hold.lift`: noun and verb of what changed. */
    fact: z.string().regex(/^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$/, 'a fact: noun.verb, like hold.lift'),
    subject: name,
    /** Digest of the stored object, where the change has one. */
    digest: digestSchema.nullable(),
    reason: text.nullable(),
    detail: z.record(z.string(), json),
  }),
  /** A SLSA verification summary of a final decision, in its own spelling, beside what every record of ours says. */
  'verification-summary': z.strictObject({
    ...common,
    verifier: z.strictObject({ id: name, version: z.record(z.string(), name) }),
    timeVerified: timestampSchema,
    resourceUri: text,
    policy: z.strictObject({ uri: text, digest: z.strictObject({ sha256: hex256 }).optional() }),
    inputAttestations: z.array(z.strictObject({ uri: text, digest: z.strictObject({ sha256: hex256 }) })).min(1),
    verificationResult: z.enum(['PASSED', 'FAILED']),
    verifiedLevels: z.array(name).min(1),
    slsaVersion: name,
  }),
} as const satisfies Record<RecordKind, z.ZodObject>;

export type Predicate<K extends RecordKind> = z.infer<(typeof predicateSchemas)[K]>;

/** What a caller says; the rest of the predicate comes from the record. */
export type PredicateDraft<K extends RecordKind> = Omit<Predicate<K>, 'run_id' | 'tenant_id' | 'dataset_id' | 'recorded_at'>;
