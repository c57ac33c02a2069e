import { isProblem, Problem } from '@govctl/core/api';
import { type Digest, digestOf, evidenceFile, inclusionProof } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { withNodes } from './log-reader.ts';
import { headOfSize, type RecordRow } from './queries.ts';

export type CheckpointOf = (head: { readonly size: number; readonly root: Uint8Array }) => string;

type Covered = RecordRow & { readonly covering_size: number | null };

/**
 * The evidence file of a record, as bytes: envelope, leaf, proof and checkpoint of the first committed tree that has it. A pure
 * function of what is stored, so that digest and length can be promised before anybody fetches it.
 *
 * @throws Problem `gone` when the payload was erased, `integrity` when what is stored is not what was logged
 */
export async function evidenceBytes(
  database: Database,
  record: Covered,
  checkpointOf: CheckpointOf,
): Promise<{ readonly bytes: Buffer; readonly digest: Digest }> {
  const { payload, covering_size, ref, leaf_index, body } = record;
  if (payload === null) throw erased(ref);
  const [[head]] = covering_size === null ? [[]] : await database.read([headOfSize({ size: covering_size })]);
  if (head === undefined) throw damaged(ref, 'no committed tree has it');
  const hashes = await withNodes(database, (readNode) => inclusionProof(leaf_index, head.size, readNode));
  const bytes = Buffer.from(`${JSON.stringify(fileOf(record, payload, body, hashes, checkpointOf(head)), null, 2)}\n`);
  return { bytes, digest: digestOf(bytes) };
}

function fileOf(record: RecordRow, payload: Uint8Array, body: Uint8Array, hashes: readonly Uint8Array[], checkpoint: string) {
  try {
    return evidenceFile({ ref: record.ref, leaf_index: record.leaf_index, payload, body }, hashes, checkpoint);
  } catch (error) {
    throw isProblem(error) && error.code === 'integrity' ? damaged(record.ref, error.message) : error;
  }
}

export function erased(ref: string): Problem {
  return new Problem('gone', {
    detail: `the payload of ${ref} was erased; its leaf and its proof stay`,
    hint: `govctl log prove ${ref}`,
  });
}

function damaged(ref: string, why: string): Problem {
  return new Problem('evidence-unavailable', { detail: `the record ${ref} is damaged: ${why}`, hint: 'govctl log verify' });
}
