import { z } from 'zod';
import { decisionBodySchema, decisionDocument } from '../../decision/decision.ts';
import { factsSchema } from '../../decision/facts.ts';
import { evidenceExportSchema } from '../../evidence/evidence-file.ts';
import { recordKinds } from '../../evidence/predicate.ts';
import { keyPurposes } from '../../evidence/trust.ts';
import { actorIdSchema } from '../../identity/actor.ts';
import { confirmationSchema, digestSchema, document, nameSchema, refSchema, runIdSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.int().min(0);
const size = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const note = z.string().max(1_000_000);
const hash = z.string().max(64);

const recordRow = z.object({
  ref: refSchema,
  leaf_index: count,
  record_kind: z.string(),
  run_id: z.string().nullable(),
  tenant_id: z.string(),
  dataset_id: z.string().nullable(),
  recorded_at: timestampSchema,
  /** The payload was taken out under a retention policy; leaf and proofs stay. */
  erased: z.boolean(),
});

export const evidenceListDocument = document('EvidenceList', { items: z.array(recordRow), next_cursor: z.string().nullable() });

/** What recorded decisions were made from: enough to decide them again. */
export const decisionListDocument = document('DecisionList', {
  items: z.array(
    z.object({
      decision_ref: refSchema,
      recorded_at: timestampSchema,
      /** Null where the payload was taken out under a retention policy. */
      decision: decisionBodySchema.nullable(),
      /** Null where the facts were not kept. */
      facts: factsSchema.nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});

export const refResolutionDocument = document('RefResolution', {
  ref: refSchema,
  /** One use; what it opens is checked against `dig` and `len` by whoever fetches it. */
  url: z.string(),
  dig: digestSchema,
  len: count,
  /** NumericDate, as the capability has it; `expires_at` says the same. */
  exp: count,
  expires_at: timestampSchema,
  /** Names the URL without opening anything: `evidence revoke --jti` ends it. */
  jti: z.string(),
  /** The ref-resolution record that was committed before the URL existed. */
  resolution_ref: refSchema,
});

const jtiSchema = z.string().regex(/^[0-9a-f]{32}$/, '32 lower-case hex digits');

export const capabilityListDocument = document('CapabilityList', {
  items: z.array(
    z.object({
      jti: jtiSchema,
      ref: refSchema,
      tenant_id: z.string(),
      dataset_id: z.string().nullable(),
      actor_id: z.string(),
      issued_at: timestampSchema,
      expires_at: timestampSchema,
      /** Open: nobody used it yet. Used: what was begun can be continued. Neither expired nor revoked ones open anything. */
      state: z.enum(['open', 'used', 'expired', 'revoked']),
      used_at: timestampSchema.nullable(),
      /** How often a broken download was continued. */
      resumed: count,
      revoked_at: timestampSchema.nullable(),
      revoked_by: z.string().nullable(),
      resolution_ref: refSchema,
    }),
  ),
});

export const capabilityRevocationDocument = document('CapabilityRevocation', {
  by: z.enum(['jti', 'actor', 'ref']),
  value: z.string(),
  /** How many URLs ended with this answer. */
  revoked: count,
  jtis: z.array(jtiSchema),
  reason: z.string(),
  /** The governance fact; null where no URL was open, and nothing was done. */
  evidence_ref: refSchema.nullable(),
});

/** One parameter in one spelling: nothing is read from the path, and nothing else from the query. */
const fetchTarget = /^\/v1\/evidence\/fetch\?cap=[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const fetched = {
  path: '/v1/evidence/fetch',
  target: fetchTarget,
  action: 'open',
  listener: 'public',
  query: z.strictObject({ cap: z.string().min(1).max(4096) }),
  stream: 'bytes',
} as const;

export const keyListDocument = document('KeyList', {
  /** Name of the evidence log, in every checkpoint. */
  origin: z.string(),
  /** The log's current verifier key (C2SP signed-note). */
  vkey: z.string(),
  items: z.array(
    z.object({
      purpose: z.enum(keyPurposes),
      role: z.string(),
      keyid: z.string(),
      /** PEM. */
      public_key: z.string(),
      from_index: count,
      to_index: count.nullable(),
    }),
  ),
});

export const logProofDocument = document('LogProof', {
  ref: refSchema,
  leaf_index: count,
  /** The logged body, base64: its RFC 6962 hash is what the proof starts from, and it names `ref`. */
  leaf_body: z.string().max(100_000),
  tree_size: count,
  /** RFC 9162 order, leaf side first, base64. */
  hashes: z.array(hash),
  checkpoint: note,
  /** The same as a C2SP tlog-proof file. */
  proof: z.string(),
});

export const logConsistencyDocument = document('LogConsistency', {
  from_size: count,
  tree_size: count,
  hashes: z.array(hash),
  /** Of `tree_size`. */
  checkpoint: note,
});

/** What `log.verify` compares; each failure names one. */
export const logChecks = [
  'index',
  'leaf-hash',
  'leaf-body',
  'payload-digest',
  'signature',
  'statement',
  'columns',
  'facts',
  'node',
  'root',
  'head',
  'promotion',
  'pointer',
  'run',
  'checkpoint',
  'erasure',
] as const;

export const logVerificationDocument = document('LogVerification', {
  verified: z.boolean(),
  tree_size: count,
  /** Hex root of `tree_size`, recomputed from the stored values. */
  root: z.string(),
  checked: z.object({ leaves: count, erased: count, nodes: count, heads: count, promotions: count, pointers: count, runs: count }),
  failed: count,
  /** The first 100; `failed` counts all. */
  failures: z.array(z.object({ check: z.enum(logChecks), subject: z.string(), detail: z.string() })),
  /** Signed note of `tree_size`; null where the log does not verify: what is wrong is not signed again. */
  checkpoint: note.nullable(),
  seconds: z.number(),
  leaves_per_second: z.number(),
  /** Everything but signatures: values, hashes, nodes, heads, statements, pointers, runs. Absent from a daemon that does not tell them apart. */
  structure: z.object({ seconds: z.number(), leaves_per_second: z.number() }).optional(),
  signatures: z
    .object({
      /** Leaves whose signatures were checked: all that have a payload. */
      leaves: count,
      /** Of these, while the structure was read, on processors that were to spare. */
      meanwhile: count,
      /** After the structure was read. */
      seconds: z.number(),
      threads: count,
      /** Of all threads together. */
      thread_seconds: z.number(),
    })
    .optional(),
});
export type LogVerificationDocument = z.infer<typeof logVerificationDocument>;
export type LogCheckName = (typeof logChecks)[number];

export const logVerifyProgressDocument = document('LogVerifyProgress', { leaves: count, leaves_total: count, phase: z.string() });

/** Evidence, the log it stands in, and access to it. */
export const evidenceRoutes = defineRoutes({
  'evidence.ls': {
    method: 'GET',
    path: '/v1/evidence',
    summary: 'Records of the evidence log, newest first',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({
      run_id: runIdSchema.optional(),
      dataset_id: nameSchema.optional(),
      tenant_id: nameSchema.optional(),
      kind: z.enum(recordKinds).optional(),
      cursor: z.string().max(64).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
    response: evidenceListDocument,
    problems: ['invalid-request'],
  },
  'evidence.export': {
    method: 'GET',
    path: '/v1/evidence/export/:run_id',
    summary: 'Everything a run left, in one file: records, proofs, checkpoint, facts, policy bytes',
    action: 'evidence.read',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    response: evidenceExportSchema,
    problems: ['not-found', 'gone', 'evidence-unavailable'],
  },
  'evidence.archive': {
    method: 'GET',
    path: '/v1/evidence/archive',
    summary: 'Every record of a time, as a stream of lines: head with checkpoint and keys, policies, records with proofs, signed manifest',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({
      since: timestampSchema,
      until: timestampSchema.optional(),
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
    }),
    stream: 'bytes',
    problems: ['invalid-request', 'not-found', 'forbidden', 'evidence-unavailable'],
  },
  'evidence.resolve': {
    method: 'POST',
    path: '/v1/evidence/refs/:ref/resolve',
    summary: 'A URL that opens one record once; the resolution is recorded before the URL exists',
    action: 'evidence.read',
    listener: 'operator',
    params: z.strictObject({ ref: refSchema }),
    body: z.strictObject({
      ttl_seconds: z.int().min(1).max(300).optional(),
      /** Only over a connection with this client certificate is anything opened. */
      cnf: confirmationSchema.optional(),
    }),
    response: refResolutionDocument,
    problems: ['not-found', 'gone', 'unprocessable', 'too-many-requests', 'evidence-unavailable'],
  },
  'evidence.fetch': {
    ...fetched,
    method: 'GET',
    summary:
      'The record a capability opens; the capability is the only parameter and works once. A Range with the ETag as If-Range continues a broken download',
    problems: ['forbidden', 'gone', 'digest-mismatch', 'range-not-satisfiable', 'too-many-requests', 'evidence-unavailable'],
  },
  'evidence.head': {
    ...fetched,
    method: 'HEAD',
    summary: 'What a GET with this capability would answer, without the record; it uses nothing up',
    problems: ['forbidden', 'gone', 'too-many-requests', 'evidence-unavailable'],
  },
  'evidence.capabilities': {
    method: 'GET',
    path: '/v1/evidence/capabilities',
    summary: 'Signed URLs that open something now; with `all`, those of the last hour',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({
      ref: refSchema.optional(),
      actor_id: actorIdSchema.optional(),
      all: z.enum(['true', 'false']).optional(),
    }),
    response: capabilityListDocument,
    problems: ['invalid-request'],
  },
  'evidence.revoke': {
    method: 'POST',
    path: '/v1/evidence/revocations',
    summary: 'End signed URLs that were made already: one by its jti, all of an actor, or all of a record',
    action: 'evidence.revoke',
    listener: 'operator',
    body: z
      .strictObject({
        jti: jtiSchema.optional(),
        actor_id: actorIdSchema.optional(),
        ref: refSchema.optional(),
        reason: z.string().min(3).max(1024),
      })
      .refine(
        (body) => [body.jti, body.actor_id, body.ref].filter((one) => one !== undefined).length === 1,
        'needs jti, actor_id or ref: one',
      ),
    response: capabilityRevocationDocument,
    problems: ['not-found', 'forbidden', 'evidence-unavailable'],
  },
  'key.ls': {
    method: 'GET',
    path: '/v1/keys',
    summary: 'Public keys of this deployment. Pin them from elsewhere: keys that come with evidence prove nothing',
    action: 'open',
    listener: 'public',
    response: keyListDocument,
    problems: [],
  },
  'log.checkpoint': {
    method: 'GET',
    path: '/v1/log/checkpoint',
    summary: 'The newest signed checkpoint (C2SP tlog-checkpoint)',
    action: 'open',
    listener: 'public',
    stream: 'text',
    problems: ['evidence-unavailable'],
  },
  'log.tile': {
    method: 'GET',
    path: '/v1/log/tile/*',
    summary: 'A hash tile or an entry bundle (C2SP tlog-tiles)',
    action: 'open',
    listener: 'public',
    params: z.strictObject({ '*': z.string().max(128) }),
    stream: 'bytes',
    problems: ['not-found'],
  },
  'log.proof': {
    method: 'GET',
    path: '/v1/log/proof',
    summary: 'Inclusion proof of a record, by ref or by index, under a signed checkpoint',
    action: 'open',
    listener: 'public',
    query: z
      .strictObject({ ref: refSchema.optional(), index: size.optional(), size: size.optional() })
      .refine(({ ref, index }) => (ref === undefined) !== (index === undefined), 'needs either ref or index'),
    response: logProofDocument,
    problems: ['not-found', 'evidence-unavailable'],
  },
  'log.consistency': {
    method: 'GET',
    path: '/v1/log/consistency',
    summary: 'Proof that the log of one size is the beginning of the log of a later one',
    action: 'open',
    listener: 'public',
    query: z.strictObject({ from: size.pipe(z.number().min(1)), size: size.optional() }),
    response: logConsistencyDocument,
    problems: ['not-found', 'evidence-unavailable'],
  },
  'log.verify': {
    method: 'POST',
    path: '/v1/log/verify',
    summary: 'Read the whole log again: events `progress` (LogVerifyProgress), then one `result` (LogVerification) or `problem`',
    action: 'log.verify',
    listener: 'operator',
    body: z.strictObject({}),
    stream: 'sse',
    problems: ['too-many-requests'],
  },
  'decision.ls': {
    method: 'GET',
    path: '/v1/decisions',
    summary: 'Recorded decisions with the facts they were made from, newest first; as many as fit into a few megabytes',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({
      since: timestampSchema.optional(),
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
      cursor: z.string().max(32).optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
    response: decisionListDocument,
    problems: [],
  },
  'decision.get': {
    method: 'GET',
    path: '/v1/decisions/:id',
    summary: 'A recorded decision, by its ref or by its run (the newest)',
    action: 'decision.read',
    listener: 'operator',
    params: z.strictObject({ id: z.union([refSchema, runIdSchema]) }),
    response: decisionDocument,
    problems: ['not-found', 'gone'],
  },
});
