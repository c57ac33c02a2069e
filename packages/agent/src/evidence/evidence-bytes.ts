import { createHash } from 'node:crypto';
import { isProblem, Problem } from '@govctl/core/api';
import { type Digest, evidenceFrame, inclusionProof } from '@govctl/core/evidence';
import { type Database, opaque, query } from '../db/index.ts';
import { withCosignatures } from '../witness/queries.ts';
import { Kept } from './kept.ts';
import { withNodes } from './log-reader.ts';
import { type HeadRow, headOfSize, type RecordRow } from './queries.ts';

export type CheckpointOf = (head: { readonly size: number; readonly root: Uint8Array }) => string;

/** A record to be read by pieces: its payload may be longer than what one answer should hold in memory. */
export type PiecewiseRow = Omit<RecordRow, 'payload'> & {
  covering_size: number | null;
  /** Bytes of the payload; null when it was erased. */
  payload_length: number | null;
  first_piece: Uint8Array | null;
};

/** A multiple of three, so that each piece is base64 by itself. */
const piece = 192 * 1024;

/** A record with the smallest tree that has it and that witnesses cosigned (else: that was committed), and as much of its payload as one piece has. */
export const recordByPieces = query<{ ref: string }, PiecewiseRow>(
  'record by pieces',
  `SELECT coalesce((SELECT min(size) FROM log_witnessed WHERE size > r.leaf_index),
       (SELECT min(size) FROM log_head WHERE size > r.leaf_index)) AS covering_size, r.leaf_index, r.ref, r.kind, r.run_id, r.tenant_id,
     r.dataset_id, r.recorded_at, r.body, length(p.payload) AS payload_length,
     substr(p.payload, 1, ${piece}) AS first_piece
   FROM record r LEFT JOIN record_payload p ON p.leaf_index = r.leaf_index WHERE r.ref = ${opaque('ref')}`,
);

const payloadPiece = query<{ leaf_index: number; from: number }, { piece: Uint8Array }>(
  'piece of a payload',
  `SELECT substr(payload, CAST(:from AS INTEGER), ${piece}) AS piece FROM record_payload WHERE leaf_index = :leaf_index`,
);

/** The evidence file of a record: its length, and its bytes as often as they are asked for. */
export type EvidenceSource = {
  readonly length: number;
  /** The whole of it in the order it has; one piece of the payload is in memory at a time. */
  pieces(): AsyncIterable<Buffer>;
  /** The whole of it, where it is one piece. */
  readonly whole: Buffer | null;
};

/**
 * Envelope, leaf, proof and checkpoint of the first tree that has a record and is witnessed (else: committed). A pure function of what is stored, so that digest
 * and length can be promised before anybody fetches it.
 *
 * @throws Problem `gone` when the payload was erased, `evidence-unavailable` when what is stored is not what was logged
 */
export async function evidenceSource(database: Database, record: PiecewiseRow, checkpointOf: CheckpointOf): Promise<EvidenceSource> {
  const { payload_length, first_piece, covering_size, leaf_index, ref } = record;
  if (payload_length === null || first_piece === null) throw erased(ref);
  const [[head]] = covering_size === null ? [[]] : await database.read([headOfSize({ size: covering_size })]);
  if (head === undefined) throw damaged(ref, 'no committed tree has it');
  const hashes = await proofOf(database, leaf_index, head);
  const frame = frameOf(record, hashes, await withCosignatures(database, checkpointOf(head), head.size, 'first'));

  async function* payload(): AsyncGenerator<Uint8Array> {
    yield first_piece as Uint8Array;
    for (let from = piece; from < Number(payload_length); from += piece) {
      const [[next]] = await database.read([payloadPiece({ leaf_index, from: from + 1 })]);
      // Erased, or exchanged, while it was read: what was begun is not what it was.
      if (next === undefined || next.piece.byteLength === 0) throw damaged(ref, 'its payload ends too early');
      yield next.piece;
    }
  }

  const length = frame.head.byteLength + base64Length(payload_length) + frame.tail.byteLength;
  return {
    length,
    whole: payload_length > piece ? null : Buffer.concat([frame.head, base64Of(first_piece), frame.tail]),
    async *pieces() {
      yield frame.head;
      for await (const bytes of payload()) yield base64Of(bytes);
      yield frame.tail;
    },
  };
}

/** A URL that was made is fetched soon after, and both ask for the proof. */
const proofsAtMost = 256;
const proofsOf = new WeakMap<Database, Kept<readonly Uint8Array[]>>();

/** A tree that was committed never changes, and with it the proof of a leaf under its root: it is read once. */
async function proofOf(database: Database, leafIndex: number, { size, root }: HeadRow): Promise<readonly Uint8Array[]> {
  const proofs = proofsOf.get(database) ?? new Kept(proofsAtMost);
  proofsOf.set(database, proofs);
  const key = `${leafIndex} ${size} ${Buffer.from(root).toString('base64')}`;
  return proofs.get(key) ?? proofs.keep(key, await withNodes(database, (readNode) => inclusionProof(leafIndex, size, readNode)));
}

/** Reads all of it once. @throws Problem `evidence-unavailable` */
export async function digestOfSource(source: EvidenceSource): Promise<Digest> {
  const hash = createHash('sha256');
  if (source.whole !== null) hash.update(source.whole);
  else for await (const bytes of source.pieces()) hash.update(bytes);
  return `sha256:${hash.digest('hex')}`;
}

function frameOf(record: PiecewiseRow, hashes: readonly Uint8Array[], checkpoint: string) {
  try {
    return evidenceFrame(record, hashes, checkpoint);
  } catch (error) {
    throw isProblem(error) && error.code === 'integrity' ? damaged(record.ref, error.message) : error;
  }
}

const base64Of = (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'));
const base64Length = (bytes: number) => Math.ceil(bytes / 3) * 4;

export function erased(ref: string): Problem {
  return new Problem('gone', {
    detail: `the payload of ${ref} was erased; its leaf and its proof stay`,
    hint: `govctl log prove ${ref}`,
  });
}

function damaged(ref: string, why: string): Problem {
  return new Problem('evidence-unavailable', { detail: `the record ${ref} is damaged: ${why}`, hint: 'govctl log verify' });
}
