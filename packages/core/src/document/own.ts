import { z } from 'zod';
import { digestSchema, document, refSchema, timestampSchema } from '../api/common.ts';
import { exitCodes } from '../api/exit-code.ts';
import { installationDocument } from '../api/installation.ts';
import { problemSchema } from '../api/problem-document.ts';
import { issuedApiKeyDocument } from '../api/route/identity.ts';
import { preflightDocument } from '../api/route/preflight.ts';
import { backupHeaderSchema, backupManifestSchema } from '../backup/manifest.ts';
import { configKinds } from '../config/config-file.ts';
import { decisionDocument, explanationDocument, gateAnswerSchema, gateSets } from '../decision/decision.ts';
import { archiveEndSchema, archiveHeadSchema, archivePolicySchema, archiveRecordSchema } from '../evidence/archive.ts';
import { keyPurposes } from '../evidence/trust.ts';
import { runManifestDocument } from '../job/manifest.ts';
import { planSchema } from '../promotion/plan.ts';

const count = z.int().min(0);
const text = z.string();
const check = z.object({ name: text, ok: z.boolean(), detail: text });
const recordSummary = { ref: refSchema, leaf_index: count.optional(), tree_size: count.optional(), record_kind: text.optional() };
const apiWindow = z.object({ min: count, max: count });
const contractVersion = z.object({ version: count, digest: digestSchema, applied_at: timestampSchema, applied_by: text });
const changedField = z.object({ field: text, from: text.nullable(), to: text.nullable() });
const configKind = z.enum(Object.keys(configKinds) as [keyof typeof configKinds, ...(keyof typeof configKinds)[]]);
const asked = gateAnswerSchema.shape;
const { gates: _gates, ...decided } = decisionDocument.shape;
const { schemaVersion: _version, kind: _kind, facts: _facts, ...planned } = planSchema.shape;

/**
 * The documents govctl makes itself, by kind. Whatever a command prints with `asDocument` is one of these or does not compile, and
 * each has a page in docs/schema.
 */
export const ownDocuments = {
  // Open: what a backup is described with is its manifest's to say.
  Backup: document('Backup', { file: text, bytes: count, sha256: text, private_keys: z.boolean() }).loose(),
  BackupInspection: document('BackupInspection', { file: text, verified: z.boolean() }).loose(),
  BackupRestore: document('BackupRestore', { dry_run: z.boolean(), state_dir: text, private_keys: z.boolean() }).loose(),
  Checkpoint: document('Checkpoint', {
    origin: text,
    tree_size: count,
    root: text,
    witnesses: z.array(z.object({ name: text, cosigned_at: timestampSchema })),
    note: text,
  }),
  ClientVersion: document('ClientVersion', {
    version: text,
    api: apiWindow,
    daemon: z.looseObject({ version: text, api: apiWindow }).optional(),
  }),
  Config: document('Config', { file: text, config_kind: configKind, config: z.unknown() }),
  ConfigDigest: document('ConfigDigest', {
    file: text.optional(),
    environment: text.optional(),
    config_digest: digestSchema.nullable(),
    parity_contract: digestSchema,
  }),
  ConfigSettings: document('ConfigSettings', {
    file: text,
    config_kind: configKind,
    settings: z.array(
      z.object({
        path: text,
        value: z.union([text, z.number(), z.boolean(), z.null()]),
        origin: z.enum(['file', 'default']),
        line: count.nullable(),
      }),
    ),
  }),
  ConfigValidation: document('ConfigValidation', { file: text, config_kind: configKind, valid: z.boolean() }),
  Context: document('Context', {
    name: text.nullable(),
    endpoint: text,
    decided_by: z.enum(['flag', 'environment', 'context', 'default']),
    overrides: z.array(text),
    config_path: text,
    config_exists: z.boolean(),
    api_key_file: text.nullable(),
    trust_file: text.nullable(),
    tls: z.object({ ca_file: text.nullable(), cert_file: text.nullable(), key_file: text.nullable(), server_name: text.nullable() }),
    tenant: text,
  }),
  ContextAdd: document('ContextAdd', {
    name: text,
    config: text,
    current: z.boolean(),
    log_origin: text.nullable(),
    pinned_keys: z.array(z.object({ purpose: z.enum(keyPurposes), role: text, keyid: text })),
  }),
  ContextList: document('ContextList', {
    items: z.array(
      z.object({
        name: text,
        current: z.boolean(),
        endpoint: text.nullable(),
        api_key_file: text.nullable(),
        trust_file: text.nullable(),
        tenant: text,
      }),
    ),
  }),
  ContextUse: document('ContextUse', { current_context: text, config: text }),
  ContractDiff: document('ContractDiff', {
    contract_id: text,
    from: contractVersion,
    to: contractVersion,
    changes: z.array(z.object({ field: text, from: z.unknown(), to: z.unknown() })),
  }),
  Decision: decisionDocument,
  DecisionReplay: document('DecisionReplay', {
    equal: z.boolean(),
    items: z.array(
      z.object({
        decision_ref: refSchema,
        run_id: text,
        decision: text,
        decided_by: text,
        replayed: z.boolean(),
        equal: z.boolean().optional(),
        replayed_decision: text.optional(),
        decision_digest: text.optional(),
        differs: z.array(text).optional(),
        reason: text.optional(),
      }),
    ),
  }),
  Doctor: document('Doctor', {
    ok: z.boolean(),
    checks: z.array(z.object({ name: text, status: z.enum(['pass', 'warn', 'fail']), detail: text, fix: text.nullable() })),
  }),
  EnvironmentList: document('EnvironmentList', { items: z.array(z.object({ name: text, meaning: text })) }),
  EvidenceVerification: document('EvidenceVerification', {
    verified: z.boolean(),
    failed_at: text.optional(),
    checks: z.array(check),
    record: z.object(recordSummary).optional(),
    records: z.array(z.object({ ...recordSummary, verified: z.boolean(), failed_at: text.optional() })).optional(),
    archive: archiveEndSchema.shape.manifest.optional(),
    file: text.optional(),
  }),
  ExitCodeList: document('ExitCodeList', {
    items: z.array(z.object({ code: count, name: z.enum(Object.keys(exitCodes) as [string, ...string[]]), when: text })),
  }),
  Explanation: explanationDocument,
  GateCheck: document('GateCheck', {
    ...asked,
    asks: text,
    // Of a promotion, or of a preflight.
    subject: z.union([decided.subject, z.object({ action: text, object_key: text })]),
    promotion_type: decided.promotion_type.optional(),
    as_of: timestampSchema,
    policy_rev: decided.policy_rev.optional(),
    kernel_version: decided.kernel_version,
    input_digest: decided.input_digest,
  }),
  GateExplanation: document('GateExplanation', {
    code: text,
    asks: text,
    otherwise: text,
    gate_sets: z.array(z.enum(gateSets)).optional(),
    on: z.array(text).optional(),
    message: text.optional(),
    resolve: z.unknown().optional(),
    effective_on: text.nullable().optional(),
    max_age: text.nullable().optional(),
    pack: z.object({ name: text, version: text, digest: digestSchema, active: z.boolean() }).optional(),
    answers: z.array(
      gateAnswerSchema.pick({ outcome: true, reason_code: true, reason: true, expected: true, actual: true, resolve: true }),
    ),
  }),
  HandoffImport: document('HandoffImport', {
    source: text,
    dry_run: z.boolean(),
    lines: count,
    born: count,
    changed: count,
    retired: count,
    already: count,
    rejected: count,
    permit_id: text.nullable(),
  }),
  IssuedApiKey: issuedApiKeyDocument.omit({ secret: true }).extend({ secret_file: text }),
  LogConsistency: document('LogConsistency', {
    consistent: z.boolean(),
    from_size: count,
    from_root: text,
    tree_size: count,
    root: text,
    hashes: z.array(text),
    checkpoint: text,
  }),
  LogMirror: document('LogMirror', {
    folder: text,
    origin: text,
    tree_size: count,
    root: text,
    from_size: count.nullable(),
    files_new: count,
  }),
  ParityReport: document('ParityReport', {
    cases: count,
    exact: count,
    corpus: count,
    live: count,
    kernel_version: text,
    differing: z.array(
      z.object({
        name: text,
        path: z.enum(['promotion.evaluate', 'decision.evaluate']),
        tag: text,
        differs: z.array(text),
        here: text,
        there: text.nullable(),
      }),
    ),
  }),
  PlanReport: document('PlanReport', {
    ...planned,
    /** Null where govd could not be asked. */
    stale: z.boolean().nullable(),
    moved: z.array(z.object({ what: text, before: text.nullable(), after: text.nullable() })),
  }),
  PolicyDiff: document('PolicyDiff', {
    name: z.object({ from: text, to: text }),
    version: z.object({ from: text, to: text }),
    added: z.array(text),
    removed: z.array(text),
    changed: z.array(z.object({ rule: text, changes: z.array(changedField) })),
  }),
  PolicyLint: document('PolicyLint', {
    file: text,
    ok: z.boolean(),
    name: text,
    version: text,
    digest: digestSchema,
    rules: count,
    fixtures: count,
  }),
  PolicyReplay: document('PolicyReplay', {
    candidate: z.object({ name: text, version: text, digest: digestSchema }),
    since: timestampSchema.nullable(),
    decisions: count,
    compared: count,
    flips: count,
    unusable: count,
    unconcerned: count,
    items: z.array(
      z.object({
        decision_ref: refSchema,
        run_id: text,
        recorded_at: timestampSchema,
        dataset_id: text,
        to_layer: text,
        snapshot_id: text,
        before: text,
        after: text,
        rules: z.array(z.object({ code: text, before: text, after: text })),
      }),
    ),
    truncated: z.boolean(),
  }),
  PolicyTest: document('PolicyTest', {
    file: text,
    ok: z.boolean(),
    name: text,
    version: text,
    digest: digestSchema,
    passed: count,
    failed: count,
    untested: z.array(z.object({ rule: text, lacks: z.array(z.enum(['pass', 'fail'])) })),
    results: z.array(
      z.object({
        rule: text,
        fixture: text,
        must: z.enum(['pass', 'fail']),
        ok: z.boolean(),
        said: z.enum(['pass', 'fail', 'error']),
        error: text.nullable(),
      }),
    ),
  }),
  Preflight: preflightDocument,
  Problem: problemSchema.extend({ schemaVersion: z.literal('govctl/v1'), kind: z.literal('Problem') }),
  ReceiptPage: document('ReceiptPage', { run_id: text, url: text, served: z.literal('once'), timeout_ms: count }),
  Status: document('Status', {
    endpoint: text,
    context: text.nullable(),
    ready: z.boolean(),
    version: text,
    environment: text,
    api: apiWindow,
    checks: z.array(z.looseObject({ name: text })),
    waiting: z.object({
      open_promotions: count.optional(),
      holds: count.optional(),
      pending_audits: count.optional(),
      overdue_audits: count.optional(),
    }),
    handoff: z.object({ coverage: text, lag_rows: count.nullable(), quarantine: count.nullable() }).optional(),
  }),
  TrustedRoot: document('TrustedRoot', { file: text, origin: text, key_files: z.array(text) }),
  Witness: document('Witness', { name: text, vkey: text, state_dir: text, logs: z.array(z.unknown()) }),
} as const satisfies Readonly<Record<string, z.ZodType>>;

/** Documents that stand in a file: a saved plan, the manifest of a run, what a backup says of itself, an installation, the lines of an archive of evidence. */
export const fileDocuments = {
  BackupHeader: backupHeaderSchema,
  BackupManifest: backupManifestSchema,
  Installation: installationDocument,
  Plan: planSchema,
  RunManifest: runManifestDocument,
  EvidenceArchive: archiveHeadSchema,
  EvidenceArchivePolicy: archivePolicySchema,
  EvidenceArchiveRecord: archiveRecordSchema,
  EvidenceArchiveEnd: archiveEndSchema,
} as const;
