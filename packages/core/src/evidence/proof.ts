import { Problem } from '../api/problem.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { hashSize } from './merkle.ts';

const header = 'c2sp.org/tlog-proof@v1';
// An inclusion proof has at most one hash for each doubling of a tree of 2^63 leaves.
const maxHashes = 63;
const maxProofBytes = 1_100_000;

/** An inclusion proof with the checkpoint it leads to, as a file (C2SP tlog-proof). */
export type TlogProof = {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** Not authenticated by anything. */
  readonly extra?: Uint8Array;
};

export function formatProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const head = extra === undefined ? [header] : [header, `extra ${encodeBase64(extra)}`];
  return [...head, `index ${index}`, ...hashes.map(encodeBase64), '', checkpoint].join('\n');
}

/** Reads a proof; nothing in it is verified yet. @throws Problem `integrity` */
export function parseProof(text: string): TlogProof {
  if (text.length > maxProofBytes) throw malformed('it is too large');
  const end = text.indexOf('\n\n');
  if (end < 0) throw malformed('it has no checkpoint');
  const lines = text.slice(0, end).split('\n');
  if (lines.shift() !== header) throw malformed(`it does not begin with ${header}`);
  const encodedExtra = lines[0]?.startsWith('extra ') ? lines.shift()?.slice('extra '.length) : undefined;
  const extra = encodedExtra === undefined ? undefined : decodeBase64(encodedExtra);
  if (encodedExtra !== undefined && extra === undefined) throw malformed('its extra data is not base64');
  const [, decimal] = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '') ?? [];
  const index = Number(decimal);
  if (decimal === undefined || !Number.isSafeInteger(index)) throw malformed('it has no valid index');
  if (lines.length > maxHashes) throw malformed('it has too many hashes');
  const hashes = lines.map((line) => {
    const hash = decodeBase64(line);
    if (hash?.byteLength !== hashSize) throw malformed('a hash is not base64 of 32 bytes');
    return hash;
  });
  const proof = { index, hashes, checkpoint: text.slice(end + 2) };
  return extra === undefined ? proof : { ...proof, extra };
}

function malformed(why: string): Problem {
  return new Problem('integrity', { detail: `the tlog-proof is malformed: ${why}` });
}
