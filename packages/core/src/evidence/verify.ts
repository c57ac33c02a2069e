import { faultText, readAs } from '../api/fault.ts';
import { Problem } from '../api/problem.ts';
import { parseStrictJson } from '../api/strict-json.ts';
import { decodeBase64 } from './base64.ts';
import { openCheckpoint, type VerifiedCheckpoint } from './checkpoint.ts';
import { cosignaturesOf } from './cosignature.ts';
import { digestOf, equalBytes } from './digest.ts';
import { decodeEnvelope, type Envelope, statementPayloadType, verifySignature } from './dsse.ts';
import { type EvidenceFile, evidenceFileSchema } from './evidence-file.ts';
import { jcsDigest } from './jcs.ts';
import { type Leaf, parseLeafBody } from './leaf.ts';
import { leafHash } from './merkle.ts';
import { verifyInclusion } from './merkle-verify.ts';
import { parseProof } from './proof.ts';
import { parseStatement, type Statement } from './statement.ts';
import { isValidAt, logVerifiers, requirementsFor, type TrustedKey, type TrustRoot } from './trust.ts';

/** Every check, in the order they are made. */
export const evidenceChecks = [
  'format',
  'envelope',
  'ref',
  'signature',
  'statement',
  'threshold',
  'subject',
  'leaf',
  'checkpoint',
  'inclusion',
  'key-range',
  // Only where the root has witnesses.
  'witnesses',
] as const;

export type EvidenceCheckName = (typeof evidenceChecks)[number];
export type EvidenceCheck = { readonly name: EvidenceCheckName; readonly ok: boolean; readonly detail: string };

/** What a verified record says; only ever given for a record that verified. */
export type VerifiedRecord = {
  readonly ref: string;
  readonly leaf_index: number;
  readonly tree_size: number;
  readonly statement: Statement;
};

export type EvidenceVerification = {
  readonly verified: boolean;
  /** The checks made, up to and with the first that failed. */
  readonly checks: readonly EvidenceCheck[];
  readonly failed_at?: EvidenceCheckName;
  readonly record?: VerifiedRecord;
};

/** What the caller asked for; a good record of something else does not verify. */
export type Expected = { readonly ref?: string; readonly subject?: string };

/** A record, with the proof for a checkpoint that is verified on its own. */
export type RecordToVerify = {
  readonly ref: string;
  readonly leaf_index: number;
  readonly envelope: Envelope;
  readonly leaf_body: string;
  readonly hashes: readonly Uint8Array[];
};

/**
 * Verifies one evidence file against a pinned root. Nothing in the file is believed: keys, index and tree size come from the root and
 * from a checkpoint the root's log key signed. Opens nothing, fetches nothing, and never throws, whatever the file is.
 */
export function verifyEvidence(file: unknown, trust: TrustRoot, expected: Expected = {}): EvidenceVerification {
  return runChecks((check) => {
    const parsed = check('format', () => {
      const result = readAs(evidenceFileSchema, file);
      if (!result.ok) throw failure(faultText(result.faults));
      const proof = parseProof(result.value.proof);
      if (proof.index !== result.value.leaf_index)
        throw failure(`the proof is for leaf ${proof.index}, the file says ${result.value.leaf_index}`);
      return [{ file: result.value, proof }, `evidence of leaf ${proof.index}`];
    });
    const { envelope, leaf_body, leaf_index, ref }: EvidenceFile = parsed.file;
    return verifyRecord(
      check,
      { ref, leaf_index, envelope, leaf_body, hashes: parsed.proof.hashes },
      () => openLogCheckpoint(parsed.proof.checkpoint, trust),
      trust,
      expected,
    );
  });
}

/** Opens a checkpoint by a log key of the root that is valid for its size. @throws Problem `integrity` */
export function openLogCheckpoint(note: string | Uint8Array, trust: TrustRoot): VerifiedCheckpoint {
  const verifiers = logVerifiers(trust);
  const checkpoint = openCheckpoint(note, trust.origin, verifiers);
  const lastLeaf = Math.max(0, checkpoint.size - 1);
  const signers = verifiers.filter(({ key_id }) => checkpoint.signatures.some((signature) => signature.key_id === key_id));
  if (!signers.some(({ trusted }) => isValidAt(trusted, lastLeaf)))
    throw failure(`the log key is not valid for a tree of ${checkpoint.size}`);
  return checkpoint;
}

/**
 * Counts who else saw a checkpoint, where the root asks for it. Keys count, not names and not signatures.
 *
 * @returns how many and when, for people; undefined where the root has no witnesses
 * @throws Problem `integrity` when fewer than the quorum cosigned it, or one cosigned it badly
 */
export function requireWitnesses(checkpoint: VerifiedCheckpoint, trust: TrustRoot): string | undefined {
  if (trust.witnesses === null) return undefined;
  const { keys, quorum } = trust.witnesses;
  const found = cosignaturesOf(checkpoint.text, checkpoint.others, keys);
  if (found.length < quorum)
    throw failure(`${found.length} of the ${quorum} witnesses that the trust root asks for cosigned the tree of ${checkpoint.size} leaves`);
  return found.map(({ name, time }) => `${name} at ${new Date(time * 1000).toISOString()}`).join(', ');
}

/** Opens a checkpoint as `openLogCheckpoint` does, and asks for the witnesses of the root. @throws Problem `integrity` */
export function openWitnessedCheckpoint(note: string | Uint8Array, trust: TrustRoot): VerifiedCheckpoint {
  const checkpoint = openLogCheckpoint(note, trust);
  requireWitnesses(checkpoint, trust);
  return checkpoint;
}

export type RunCheck = <T>(name: EvidenceCheckName, make: () => readonly [value: T, detail: string]) => T;

/** Runs checks until one fails: an error inside one, whatever its kind, is that check's failure. */
export function runChecks(make: (check: RunCheck) => VerifiedRecord): EvidenceVerification {
  const checks: EvidenceCheck[] = [];
  const check: RunCheck = (name, run) => {
    try {
      const [value, detail] = run();
      checks.push({ name, ok: true, detail });
      return value;
    } catch (cause) {
      checks.push({ name, ok: false, detail: cause instanceof Error ? cause.message : String(cause) });
      throw new CheckFailed(name);
    }
  };
  try {
    return { verified: true, checks, record: make(check) };
  } catch (error) {
    if (error instanceof CheckFailed) return { verified: false, checks, failed_at: error.check };
    throw error;
  }
}

export function verifyRecord(
  check: RunCheck,
  record: RecordToVerify,
  open: () => VerifiedCheckpoint,
  trust: TrustRoot,
  expected: Expected = {},
): VerifiedRecord {
  const { ref, leaf_index, envelope } = record;
  const { payload, sigs } = check('envelope', () => {
    if (envelope.payloadType !== statementPayloadType) throw failure(`the payload type is ${envelope.payloadType}`);
    const decoded = decodeEnvelope(envelope);
    if (decoded === undefined) throw failure('payload or signatures are not base64');
    return [decoded, `${decoded.payload.byteLength} bytes, ${decoded.sigs.length} signature${decoded.sigs.length === 1 ? '' : 's'}`];
  });
  check('ref', () => {
    const actual = digestOf(payload);
    if (actual !== ref) throw failure(`the payload is ${actual}, the file says ${ref}`);
    if (expected.ref !== undefined && expected.ref !== ref) throw failure(`this is ${ref}, asked was ${expected.ref}`);
    return [undefined, ref];
  });
  const signers = check('signature', () => {
    const found = trustedSigners(trust, payload, sigs);
    if (found.length === 0) throw failure('no trusted decision key signed this');
    return [found, found.map(({ key }) => `${key.role} ${key.keyid.slice(0, 16)}`).join(', ')];
  });
  const statement = check('statement', () => {
    const parsed = parseStatement(parseStrictJson(payload, { maxBytes: 4 * 1024 * 1024 }));
    if (!parsed.ok) throw failure(parsed.reason);
    requireSelfConsistent(parsed.statement);
    return [parsed.statement, `${parsed.statement.predicateType}${boundTo(parsed.statement)}`];
  });
  check('threshold', () => {
    const required = requirementsFor(trust, statement.kind);
    if (required.length === 0) throw failure(`the trust root says nobody may sign a ${statement.kind}`);
    for (const { role, threshold } of required) {
      const count = new Set(signers.filter(({ key }) => key.role === role).map(({ key }) => key.keyid)).size;
      if (count < threshold) throw failure(`${count} of ${threshold} keys of role ${role}`);
    }
    return [undefined, required.map(({ role, threshold }) => `${threshold} of role ${role}`).join(', ')];
  });
  check('subject', () => {
    const wanted = expected.subject ?? subjectDigest(statement);
    const digests = statement.subject.map(({ digest }) => `sha256:${digest.sha256}`);
    if (wanted !== undefined && !digests.includes(wanted)) throw failure(`the subject is ${digests.join(', ')}, not ${wanted}`);
    return [undefined, statement.subject.map(({ name }) => name).join(', ')];
  });
  const body = check('leaf', () => {
    const bytes = decodeBase64(record.leaf_body);
    if (bytes === undefined) throw failure('the leaf body is not base64');
    requireSameSignatures(parseLeafBody(bytes), ref, sigs, signers);
    return [bytes, 'the logged body is of this payload and these signatures'];
  });
  const checkpoint = check('checkpoint', () => {
    const opened = open();
    return [opened, `${opened.origin}, ${opened.size} leaves`];
  });
  check('inclusion', () => {
    const included = verifyInclusion(leaf_index, checkpoint.size, leafHash(body), record.hashes, checkpoint.root);
    if (!included) throw failure(`the proof does not lead from leaf ${leaf_index} to the root of the checkpoint`);
    return [undefined, `leaf ${leaf_index} of ${checkpoint.size}`];
  });
  check('key-range', () => {
    for (const { role, threshold } of requirementsFor(trust, statement.kind)) {
      const valid = new Set(signers.filter(({ key }) => key.role === role && isValidAt(key, leaf_index)).map(({ key }) => key.keyid));
      if (valid.size < threshold) throw failure(`at leaf ${leaf_index} only ${valid.size} of ${threshold} keys of role ${role} are valid`);
    }
    return [undefined, `valid at leaf ${leaf_index}`];
  });
  if (trust.witnesses !== null) check('witnesses', () => [undefined, requireWitnesses(checkpoint, trust) ?? '']);
  return { ref, leaf_index, tree_size: checkpoint.size, statement };
}

/** Whose certificate a signed URL was made for, where a record says so. */
function boundTo(statement: Statement): string {
  const cnf = statement.kind === 'ref-resolution' ? statement.predicate.cnf : undefined;
  return cnf === undefined ? '' : `, for the client certificate ${cnf['x5t#S256']} alone`;
}

type TrustedSignature = { readonly key: TrustedKey; readonly at: number };

/** Every trusted decision key that made one of the signatures, with the place of that signature. */
function trustedSigners(trust: TrustRoot, payload: Uint8Array, sigs: readonly Uint8Array[]): readonly TrustedSignature[] {
  const keys = trust.keys.filter(({ purpose }) => purpose === 'decision');
  return sigs.flatMap((sig, at) => keys.filter((key) => verifySignature(key.key, payload, sig)).map((key) => ({ key, at })));
}

/**
 * The logged body must be of exactly this payload and these signatures, and name the trusted keys that made them: an entry of
 * another artifact, or one whose keys were swapped, proves nothing about this one.
 */
function requireSameSignatures(leaf: Leaf, ref: string, sigs: readonly Uint8Array[], signers: readonly TrustedSignature[]): void {
  if (leaf.payload_digest !== ref) throw failure(`the logged body is of ${leaf.payload_digest}`);
  if (leaf.signatures.length !== sigs.length) throw failure('the logged body has another number of signatures');
  leaf.signatures.forEach((logged, at) => {
    const sig = sigs[at];
    if (sig === undefined || !equalBytes(logged.sig, sig)) throw failure(`signature ${at + 1} is not the logged one`);
  });
  for (const { key, at } of signers) {
    const logged = leaf.signatures[at];
    if (logged === undefined || !equalBytes(logged.public_key_spki, key.spki))
      throw failure(`signature ${at + 1} is logged under another key`);
  }
}

/** What a statement says twice must be the same. */
function requireSelfConsistent(statement: Statement): void {
  if (statement.kind !== 'decision') return;
  const { decision, decision_digest, run_id } = statement.predicate;
  if (jcsDigest(decision) !== decision_digest) throw failure('the decision does not have the digest the statement says');
  if (decision.run_id !== run_id) throw failure('the decision is of another run than the statement');
}

/** The digest a statement of this kind must have as its subject, where its predicate names one. */
function subjectDigest(statement: Statement): string | undefined {
  switch (statement.kind) {
    case 'decision':
      return statement.predicate.decision.subject.snapshot_hash ?? undefined;
    case 'promotion':
    case 'approval':
      return statement.predicate.snapshot_hash;
    case 'ref-resolution':
      return statement.predicate.ref;
    case 'registry-event':
      return statement.predicate.bundle_digest;
    case 'governance-fact':
      return statement.predicate.digest ?? undefined;
    default:
      return undefined;
  }
}

class CheckFailed extends Error {
  readonly check: EvidenceCheckName;
  constructor(check: EvidenceCheckName) {
    super(check);
    this.check = check;
  }
}

function failure(detail: string): Problem {
  return new Problem('integrity', { detail });
}
