import { z } from 'zod';
import { nameSchema, schemaVersion } from '../api/common.ts';
import { faultText, readAs } from '../api/fault.ts';
import { Problem } from '../api/problem.ts';
import { parseCosignerKey } from './cosignature.ts';
import { type PublicKey, parsePublicKeyPem, publicKeyPem } from './key.ts';
import { formatVerifierKey, isNoteName, type NoteVerifier, noteVerifier, parseVerifierKey } from './note.ts';
import { type RecordKind, recordKinds } from './predicate.ts';

/** One key, one purpose: a key that signs records signs nothing else. */
export const keyPurposes = ['decision', 'log', 'capability', 'token'] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

const indexSchema = z.int().min(0);

const trustKeySchema = z.strictObject({
  purpose: z.enum(keyPurposes),
  /** Whose word it is; record requirements name it. */
  role: nameSchema,
  /** PEM, as in `keys/*.pub.pem`. */
  public_key: z.string().max(1024),
  /** First log index it is valid at, and the first at which it no longer is. Never dates: a log has an order, not a clock. */
  from_index: indexSchema,
  to_index: indexSchema.nullable(),
});

const requirementSchema = z.strictObject({
  kinds: z.array(z.enum([...recordKinds, '*'])).min(1),
  role: nameSchema,
  /** Distinct public keys of that role. */
  threshold: z.int().min(1).max(64),
});

/** The pinned root: all that verification believes. Keys inside a record or an export are hints. */
export const trustSchema = z.strictObject({
  schemaVersion: z.literal(schemaVersion),
  kind: z.literal('Trust'),
  log: z.strictObject({
    origin: z.string().min(1).max(256).refine(isNoteName, 'must be a name without white space and plus, like govd.example/log'),
    /** The current log key as a verifier key (C2SP signed-note), for programs that are not ours. */
    vkey: z.string().max(1024),
  }),
  keys: z.array(trustKeySchema).min(1).max(256),
  requirements: z.array(requirementSchema).min(1).max(64),
  /** Who else must have seen a checkpoint: `quorum` of these cosigners (verifier keys, C2SP tlog-cosignature). Nobody when left out. */
  witnesses: z
    .strictObject({ keys: z.array(z.string().max(1024)).min(1).max(64), quorum: z.int().min(1).max(64) })
    .refine(({ keys, quorum }) => quorum <= keys.length, 'the quorum is larger than the number of witnesses')
    .optional(),
});

export type Trust = z.infer<typeof trustSchema>;
export type TrustKey = z.infer<typeof trustKeySchema>;

export type TrustedKey = PublicKey & Pick<TrustKey, 'purpose' | 'role' | 'from_index' | 'to_index'>;
export type Requirement = z.infer<typeof requirementSchema>;

/** A trust root whose keys were read and enrolled. */
export type TrustRoot = {
  readonly origin: string;
  readonly keys: readonly TrustedKey[];
  readonly requirements: readonly Requirement[];
  readonly witnesses: { readonly keys: readonly NoteVerifier[]; readonly quorum: number } | null;
};

/** A trust document for keys at hand: what `govd init` writes. */
export function trustOf(
  origin: string,
  keys: readonly Pick<TrustedKey, 'raw' | 'key' | 'purpose' | 'role' | 'from_index' | 'to_index'>[],
  requirements: readonly Requirement[] = [{ kinds: ['*'], role: 'governance', threshold: 1 }],
): Trust {
  const log = keys.findLast(({ purpose }) => purpose === 'log');
  if (log === undefined) throw new TypeError('a trust root needs a log key');
  return {
    schemaVersion,
    kind: 'Trust',
    log: { origin, vkey: formatVerifierKey(origin, log.raw) },
    keys: keys.map((key) => ({
      purpose: key.purpose,
      role: key.role,
      public_key: publicKeyPem(key),
      from_index: key.from_index,
      to_index: key.to_index,
    })),
    requirements: requirements.map((requirement) => ({ ...requirement })),
  };
}

/**
 * Reads a trust document: closed, every key enrolled (weak points refused), no key for two purposes, the verifier key one of the
 * log keys.
 *
 * @throws Problem `untrusted-keys`
 */
export function loadTrust(document: unknown): TrustRoot {
  const parsed = readAs(trustSchema, document);
  if (!parsed.ok) throw untrusted(faultText(parsed.faults));
  const { log, requirements } = parsed.value;
  const keys = parsed.value.keys.map(enrolled);
  for (const key of keys) {
    const other = keys.find(({ keyid, purpose }) => keyid === key.keyid && purpose !== key.purpose);
    if (other !== undefined) throw untrusted(`the key ${key.keyid} has two purposes: ${key.purpose} and ${other.purpose}`);
    if (key.to_index !== null && key.to_index <= key.from_index) throw untrusted(`the key ${key.keyid} is valid at no index`);
  }
  const current = verifierKey(log.vkey);
  if (current.name !== log.origin) throw untrusted(`the verifier key is of ${current.name}, the log is ${log.origin}`);
  if (!keys.some(({ purpose, raw }) => purpose === 'log' && Buffer.compare(raw, current.public_key) === 0)) {
    throw untrusted('the verifier key is not one of the log keys');
  }
  return { origin: log.origin, keys, requirements, witnesses: witnessesOf(parsed.value, keys) };
}

function witnessesOf({ witnesses }: Trust, keys: readonly TrustedKey[]): TrustRoot['witnesses'] {
  if (witnesses === undefined) return null;
  const cosigners = witnesses.keys.map(cosignerKey);
  const distinct = new Set(cosigners.map(({ public_key }) => Buffer.from(public_key).toString('hex')));
  // A quorum counts keys: one under two names, or the log's own, is nobody else.
  if (distinct.size !== cosigners.length) throw untrusted('a witness stands there twice');
  if (keys.some(({ raw }) => distinct.has(Buffer.from(raw).toString('hex'))))
    throw untrusted('a key of the deployment cannot be its witness');
  return { keys: cosigners, quorum: witnesses.quorum };
}

type LogVerifier = NoteVerifier & { readonly trusted: TrustedKey };

/** Making a key ready to verify costs more than verifying with it, and a root is asked for each checkpoint. */
const verifiersOf = new WeakMap<TrustRoot, readonly LogVerifier[]>();

/** Who may have signed a checkpoint of this size: its last leaf lies in the key's range. */
export function logVerifiers(trust: TrustRoot): readonly LogVerifier[] {
  const known = verifiersOf.get(trust);
  if (known !== undefined) return known;
  const verifiers = trust.keys
    .filter(({ purpose }) => purpose === 'log')
    .map((trusted) => ({ ...noteVerifier(trust.origin, trusted.raw), trusted }));
  verifiersOf.set(trust, verifiers);
  return verifiers;
}

export function isValidAt(key: Pick<TrustKey, 'from_index' | 'to_index'>, index: number): boolean {
  return index >= key.from_index && (key.to_index === null || index < key.to_index);
}

/** What a record of this kind needs. None at all is for the verifier to refuse. */
export function requirementsFor(trust: TrustRoot, kind: RecordKind): readonly Requirement[] {
  return trust.requirements.filter(({ kinds }) => kinds.includes(kind) || kinds.includes('*'));
}

function enrolled(key: TrustKey): TrustedKey {
  try {
    return {
      ...parsePublicKeyPem(key.public_key),
      purpose: key.purpose,
      role: key.role,
      from_index: key.from_index,
      to_index: key.to_index,
    };
  } catch (cause) {
    throw untrusted(cause instanceof Error ? cause.message : String(cause));
  }
}

function cosignerKey(vkey: string): NoteVerifier {
  try {
    return parseCosignerKey(vkey);
  } catch (cause) {
    throw untrusted(cause instanceof Error ? cause.message : String(cause));
  }
}

function verifierKey(vkey: string): NoteVerifier {
  try {
    return parseVerifierKey(vkey);
  } catch (cause) {
    throw untrusted(cause instanceof Error ? cause.message : String(cause));
  }
}

function untrusted(why: string): Problem {
  return new Problem('untrusted-keys', {
    detail: `the trust root is refused: ${why}`,
    hint: 'pin the root of the deployment: govctl context add NAME --socket PATH --trust-file trust.json',
  });
}
