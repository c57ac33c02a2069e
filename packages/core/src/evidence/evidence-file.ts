import { z } from 'zod';
import { digestSchema, document, nameSchema, refSchema, schemaVersion } from '../api/common.ts';
import { encodeBase64 } from './base64.ts';
import type { Envelope } from './dsse.ts';
import { envelopeOfLeaf, parseLeafBody } from './leaf.ts';
import { formatProof } from './proof.ts';

const base64 = z.string().max(4 * 1024 * 1024);
const index = z.int().min(0);

export const envelopeSchema = z.strictObject({
  payloadType: z.string().max(256),
  payload: base64,
  signatures: z
    .array(z.strictObject({ keyid: z.string().max(256).optional(), sig: z.string().max(1024) }))
    .min(1)
    .max(64),
});

/** One record with all that proves it, as `govctl evidence get` writes it. */
export const evidenceFileSchema = document('Evidence', {
  ref: refSchema,
  leaf_index: index,
  envelope: envelopeSchema,
  /** The logged body, base64. */
  leaf_body: base64,
  /** C2SP tlog-proof: index, inclusion proof, checkpoint. */
  proof: z.string().max(1_100_000),
}).strict();

const exportedRecordSchema = z.strictObject({
  ref: refSchema,
  leaf_index: index,
  envelope: envelopeSchema,
  leaf_body: base64,
  /** Inclusion proof against the one checkpoint of the export, leaf side first. */
  hashes: z.array(z.string().max(64)).max(63),
  /** The facts of a decision, byte for byte as they were stored. */
  facts: z.string().nullable(),
});

/** Everything a run left, as `govctl evidence export RUN` writes it: enough to verify and to decide again, offline. */
export const evidenceExportSchema = document('EvidenceExport', {
  run_id: nameSchema,
  /** Signed note. */
  checkpoint: z.string().max(1_000_000),
  records: z.array(exportedRecordSchema).min(1).max(4096),
  policies: z.array(z.strictObject({ digest: digestSchema, name: z.string(), version: z.string(), source: z.string() })).max(256),
}).strict();

export type EvidenceFile = z.infer<typeof evidenceFileSchema>;
export type EvidenceExport = z.infer<typeof evidenceExportSchema>;
export type ExportedRecord = z.infer<typeof exportedRecordSchema>;

/** A logged record as it is stored. */
export type StoredRecord = { readonly ref: string; readonly leaf_index: number; readonly payload: Uint8Array; readonly body: Uint8Array };

/** The envelope of a stored record, made again from payload and leaf. */
export function envelopeIn(record: StoredRecord): EvidenceFile['envelope'] {
  const { payloadType, payload, signatures }: Envelope = envelopeOfLeaf(record.payload, parseLeafBody(record.body));
  return { payloadType, payload, signatures: signatures.map((signature) => ({ ...signature })) };
}

/** The file of one record: its envelope made again from payload and leaf, its proof under a signed checkpoint. */
export function evidenceFile(record: StoredRecord, hashes: readonly Uint8Array[], checkpoint: string): EvidenceFile {
  return {
    schemaVersion,
    kind: 'Evidence',
    ref: record.ref,
    leaf_index: record.leaf_index,
    envelope: envelopeIn(record),
    leaf_body: encodeBase64(record.body),
    proof: formatProof({ index: record.leaf_index, hashes, checkpoint }),
  };
}

/**
 * The same file without its payload: the bytes before it and after it. Between them stands the payload in base64, so that a file is
 * sent piece by piece and is never whole in memory.
 */
export function evidenceFrame(
  record: Omit<StoredRecord, 'payload'>,
  hashes: readonly Uint8Array[],
  checkpoint: string,
): { readonly head: Buffer; readonly tail: Buffer } {
  const text = `${JSON.stringify(evidenceFile({ ...record, payload: new Uint8Array() }, hashes, checkpoint), null, 2)}\n`;
  // Inside a string the quotes would be escaped: this stands in the text once.
  const at = text.indexOf('"payload": ""') + '"payload": "'.length;
  return { head: Buffer.from(text.slice(0, at)), tail: Buffer.from(text.slice(at)) };
}

/** A record inside an export. */
export function exportedRecord(record: StoredRecord, hashes: readonly Uint8Array[], facts: string | null): ExportedRecord {
  return {
    ref: record.ref,
    leaf_index: record.leaf_index,
    envelope: envelopeIn(record),
    leaf_body: encodeBase64(record.body),
    hashes: hashes.map(encodeBase64),
    facts,
  };
}
