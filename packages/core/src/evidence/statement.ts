import { z } from 'zod';
import { faultText, readAs } from '../api/fault.ts';
import { type Digest, digestHex, digestOf } from './digest.ts';
import { type PredicateDraft, predicateSchemas, type RecordKind, recordKinds } from './predicate.ts';

export const statementType = 'https://in-toto.io/Statement/v1';

/** What a statement is about; matched by digest alone, the name is for people. */
export type Subject = { readonly name: string; readonly digest: { readonly sha256: string } };

/** A statement that is ready to be signed and logged: exact bytes and the columns of its row. */
export type RecordDraft = {
  readonly kind: RecordKind;
  /** `sha256:` of the payload: known before anything is written. */
  readonly ref: string;
  /** The exact bytes of the in-toto Statement; signed, stored and never serialised again. */
  readonly payload: Uint8Array;
  readonly run_id: string | null;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly recorded_at: string;
  /** The facts a decision was made from, as JSON text, for replay. */
  readonly facts?: string;
};

export type RecordInput<K extends RecordKind> = {
  readonly kind: K;
  readonly subject: readonly Subject[];
  readonly predicate: PredicateDraft<K>;
  readonly run_id: string | null;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  /** RFC 3339 UTC with milliseconds. */
  readonly recorded_at: string;
  readonly facts?: string;
};

export function predicateType(kind: RecordKind): string {
  // Others look for this one by name.
  if (kind === 'verification-summary') return 'https://slsa.dev/verification_summary/v1';
  return `urn:govctl:predicate:${kind}:v1`;
}

/** A subject from a name and a `sha256:` digest. */
export function subjectOf(name: string, digest: Digest): Subject {
  return { name, digest: { sha256: digestHex(digest) } };
}

/**
 * Builds the statement of a record. Not validated here, because every promotion passes through: the types hold it at build time,
 * and whoever reads it validates (`parseStatement`).
 *
 * @example draftRecord({ kind: 'governance-fact', subject: [subjectOf('contract/gold', digest)], predicate, run_id: null, tenant_id, dataset_id, recorded_at })
 */
export function draftRecord<K extends RecordKind>(input: RecordInput<K>): RecordDraft {
  const { kind, run_id, tenant_id, dataset_id, recorded_at } = input;
  const payload = Buffer.from(
    JSON.stringify({
      _type: statementType,
      subject: input.subject,
      predicateType: predicateType(kind),
      predicate: { run_id, tenant_id, dataset_id, recorded_at, ...input.predicate },
    }),
  );
  const draft = { kind, ref: digestOf(payload), payload, run_id, tenant_id, dataset_id, recorded_at };
  return input.facts === undefined ? draft : { ...draft, facts: input.facts };
}

const subjectSchema = z.strictObject({
  name: z.string().min(1).max(1024),
  digest: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256: 64 lower-case hex digits') }),
});

function statementSchemaOf<K extends RecordKind>(kind: K) {
  return z.strictObject({
    _type: z.literal(statementType),
    subject: z.array(subjectSchema).min(1),
    predicateType: z.literal(predicateType(kind)),
    predicate: predicateSchemas[kind],
  });
}

/** A parsed statement, with its kind beside it. */
export type Statement = {
  [K in RecordKind]: {
    readonly kind: K;
    readonly _type: typeof statementType;
    readonly subject: readonly Subject[];
    readonly predicateType: string;
    readonly predicate: z.infer<(typeof predicateSchemas)[K]>;
  };
}[RecordKind];

const typed = z.object({ predicateType: z.string() });
const kindByType = new Map<string, RecordKind>(recordKinds.map((kind) => [predicateType(kind), kind]));
const schemas = new Map<RecordKind, ReturnType<typeof statementSchemaOf>>();

/**
 * Checks a parsed payload against the closed schema of its kind. Call it on bytes whose signature was verified.
 */
export function parseStatement(
  value: unknown,
): { readonly ok: true; readonly statement: Statement } | { readonly ok: false; readonly reason: string } {
  const type = typed.safeParse(value);
  const kind = type.success ? kindByType.get(type.data.predicateType) : undefined;
  if (kind === undefined) return { ok: false, reason: `unknown predicate type ${type.success ? type.data.predicateType : '(none)'}` };
  const schema = schemas.get(kind) ?? statementSchemaOf(kind);
  schemas.set(kind, schema);
  const read = readAs(schema, value);
  if (!read.ok) return { ok: false, reason: faultText(read.faults) };
  return { ok: true, statement: { kind, ...read.value } as Statement };
}

/** Digest of the facts that are kept beside a record, because somebody decided from them; null where there are none. */
export function factsDigestOf(statement: Statement): string | null {
  if (statement.kind === 'decision') return statement.predicate.facts_digest;
  // An activation, or a preflight: a decision about an object, recorded as a fact.
  const said = statement.kind === 'governance-fact' ? statement.predicate.detail.facts_digest : undefined;
  return typeof said === 'string' ? said : null;
}
