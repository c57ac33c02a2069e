import { z } from 'zod';
import { keyPurposes } from '../../evidence/trust.ts';
import { document, refSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.int().min(0);
const size = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const note = z.string().max(1_000_000);
const hash = z.string().max(64);

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

/** The log that evidence stands in: its keys, checkpoints, tiles, proofs and verification. */
export const logRoutes = defineRoutes({
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
});
