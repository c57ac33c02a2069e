import { z } from 'zod';
import { digestSchema, document, refSchema, schemaVersion, timestampSchema } from '../api/common.ts';
import { encodeBase64 } from './base64.ts';
import { type Digest, digestHex } from './digest.ts';
import { type Signer, signEnvelope } from './dsse.ts';
import { envelopeIn, envelopeSchema, type StoredRecord } from './evidence-file.ts';
import { canonicalJson } from './jcs.ts';
import { recordKinds } from './predicate.ts';
import { statementType } from './statement.ts';

/** What an archive begins with, byte for byte: how a reader tells it from other evidence files. */
export const archivePrefix = `{"schemaVersion":"${schemaVersion}","kind":"EvidenceArchive",`;
/** The longest line that is read. */
export const maxArchiveLine = 64 * 1024 * 1024;

const index = z.int().min(0);
const count = z.int().min(0);
const publicKey = z.object({
  purpose: z.string(),
  role: z.string(),
  /** PEM. Shown, never believed: whoever verifies pins the keys from elsewhere. */
  public_key: z.string().max(1024),
  from_index: index,
  to_index: index.nullable(),
});

/** Which records an archive is of. */
const rangeFields = {
  since: timestampSchema,
  until: timestampSchema.nullable(),
  tenant_id: z.string().nullable(),
  dataset_id: z.string().nullable(),
};

/** First line of an archive: what was asked for, and the signed checkpoint that every proof in it leads to. */
export const archiveHeadSchema = document('EvidenceArchive', {
  ...rangeFields,
  origin: z.string(),
  tree_size: count,
  /** Signed note. */
  checkpoint: z.string().max(1_000_000),
  keys: z.array(publicKey).max(256),
}).strict();

/** A policy pack that decisions after it name; stands once, before the first of them. */
export const archivePolicySchema = document('EvidenceArchivePolicy', {
  digest: digestSchema,
  name: z.string(),
  version: z.string(),
  source: z.string(),
}).strict();

/** A record, in the order of the log. */
export const archiveRecordSchema = document('EvidenceArchiveRecord', {
  ref: refSchema,
  leaf_index: index,
  record_kind: z.enum(recordKinds),
  recorded_at: timestampSchema,
  /** Null where the payload was erased under a retention policy: leaf and proof stay. */
  envelope: envelopeSchema.nullable(),
  leaf_body: z.string().max(200_000),
  /** Inclusion proof, leaf side first. */
  hashes: z.array(z.string().max(64)).max(63),
  /** The facts of a decision, byte for byte as they were stored. */
  facts: z.string().nullable(),
}).strict();

const manifestSchema = z.strictObject({
  ...rangeFields,
  tree_size: count,
  first_leaf: index,
  last_leaf: index,
  records: count,
  erased: count,
  policies: count,
  by_kind: z.partialRecord(z.enum(recordKinds), count),
  /** SHA-256 of every byte before this line. */
  digest: digestSchema,
});

/** Last line of an archive: what is in it, signed, so that nothing can be taken out or put in unseen. */
export const archiveEndSchema = document('EvidenceArchiveEnd', { manifest: manifestSchema, envelope: envelopeSchema }).strict();

export type ArchiveHead = z.infer<typeof archiveHeadSchema>;
export type ArchiveManifest = z.infer<typeof manifestSchema>;
export const archiveLineSchema = z.discriminatedUnion('kind', [
  archiveHeadSchema,
  archivePolicySchema,
  archiveRecordSchema,
  archiveEndSchema,
]);
export type ArchiveLine = z.infer<typeof archiveLineSchema>;

export function archiveHead(head: Omit<ArchiveHead, 'schemaVersion' | 'kind'>): ArchiveHead {
  return { schemaVersion, kind: 'EvidenceArchive', ...head };
}

export function archivePolicy(policy: { digest: string; name: string; version: string; source: string }): ArchiveLine {
  const { digest, name, version, source } = policy;
  return { schemaVersion, kind: 'EvidenceArchivePolicy', digest, name, version, source };
}

type ArchivedRecord = Omit<StoredRecord, 'payload'> & {
  readonly payload: Uint8Array | null;
  readonly kind: (typeof recordKinds)[number];
  readonly recorded_at: string;
  readonly facts: string | null;
};

export function archiveRecord(record: ArchivedRecord, hashes: readonly Uint8Array[]): ArchiveLine {
  const { ref, leaf_index, body, payload, facts } = record;
  return {
    schemaVersion,
    kind: 'EvidenceArchiveRecord',
    ref,
    leaf_index,
    record_kind: record.kind,
    recorded_at: record.recorded_at,
    envelope: payload === null ? null : envelopeIn({ ref, leaf_index, body, payload }),
    leaf_body: encodeBase64(body),
    hashes: hashes.map(encodeBase64),
    facts: payload === null ? null : facts,
  };
}

/** Signed with the decision key like a verification summary: it is of the file, not of the log. */
export function archiveEnd(manifest: ArchiveManifest, signer: Signer): ArchiveLine {
  const { payloadType, payload, signatures } = signEnvelope(archiveStatement(manifest), [signer]);
  return {
    schemaVersion,
    kind: 'EvidenceArchiveEnd',
    manifest,
    envelope: { payloadType, payload, signatures: signatures.map((one) => ({ ...one })) },
  };
}

/** The in-toto statement of a manifest, in the one form (JCS) that whoever verifies makes again. Its predicate type is no record's, so that it can never pass for one. */
export function archiveStatement(manifest: ArchiveManifest): Uint8Array {
  const { digest, ...predicate } = manifest;
  return Buffer.from(
    canonicalJson({
      _type: statementType,
      subject: [{ name: 'evidence-archive', digest: { sha256: digestHex(digest as Digest) } }],
      predicateType: 'urn:govctl:predicate:evidence-archive:v1',
      predicate,
    }),
  );
}

export function archiveLine(line: ArchiveLine): string {
  return `${JSON.stringify(line)}\n`;
}
