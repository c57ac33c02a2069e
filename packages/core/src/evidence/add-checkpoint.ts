import { isProblem, Problem } from '../api/problem.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { openCheckpoint, parseCheckpointText, type TreeHead, type VerifiedCheckpoint } from './checkpoint.ts';
import { equalBytes } from './digest.ts';
import { emptyRoot, hashSize } from './merkle.ts';
import { verifyConsistency } from './merkle-verify.ts';
import { type NoteVerifier, parseNote } from './note.ts';

const maxProofLines = 63;
/** An `old` line, 63 hashes, and a checkpoint with room for signatures. */
export const maxAddCheckpointBytes = 64 * 1024;
/** What a witness answers about the size it knows. */
export const tlogSizeType = 'text/x.tlog.size';

/** What a log sends a witness (C2SP tlog-witness): the size it last cosigned, what leads from there, and the new checkpoint. */
export type AddCheckpoint = { readonly old: number; readonly proof: readonly Uint8Array[]; readonly checkpoint: string };

export function formatAddCheckpoint({ old, proof, checkpoint }: AddCheckpoint): string {
  return `${[`old ${old}`, ...proof.map(encodeBase64)].join('\n')}\n\n${checkpoint}`;
}

/** Undefined for what is no such request. */
export function parseAddCheckpoint(body: string): AddCheckpoint | undefined {
  const end = body.indexOf('\n\n');
  if (end < 0 || body.length > maxAddCheckpointBytes) return undefined;
  const [first = '', ...lines] = body.slice(0, end).split('\n');
  const [, decimal] = /^old (0|[1-9][0-9]{0,15})$/.exec(first) ?? [];
  const old = Number(decimal);
  if (decimal === undefined || !Number.isSafeInteger(old) || lines.length > maxProofLines) return undefined;
  const proof = lines.map((line) => decodeBase64(line)).filter((hash) => hash?.byteLength === hashSize) as Uint8Array[];
  return proof.length === lines.length ? { old, proof, checkpoint: body.slice(end + 2) } : undefined;
}

/** What a witness knows of a log: the tree it cosigned last. */
export type KnownTree = Pick<TreeHead, 'size' | 'root'>;

export type WitnessVerdict =
  | { readonly status: 200; readonly head: VerifiedCheckpoint }
  | { readonly status: 400 | 403 | 404 | 422; readonly why: string }
  /** `size` is what the witness cosigned last. */
  | { readonly status: 409; readonly size: number; readonly why: string };

/**
 * Judges one request. A pure function: whoever calls it keeps judging and storing together, so that nothing is cosigned that is behind
 * what was cosigned before.
 *
 * @param knownOf keys of a log by its origin, and what was cosigned last; undefined for a log this witness does not serve
 */
export function judgeAddCheckpoint(
  request: AddCheckpoint | undefined,
  knownOf: (origin: string) => { readonly keys: readonly NoteVerifier[]; readonly known: KnownTree | null } | undefined,
): WitnessVerdict {
  if (request === undefined) return { status: 400, why: 'it is no add-checkpoint request' };
  const { old, proof, checkpoint } = request;
  let claimed: TreeHead;
  try {
    claimed = parseCheckpointText(parseNote(checkpoint).text);
  } catch (error) {
    return { status: 400, why: reasonOf(error) };
  }
  const log = knownOf(claimed.origin);
  if (log === undefined) return { status: 404, why: `this witness does not know the log ${claimed.origin}` };
  let head: VerifiedCheckpoint;
  try {
    head = openCheckpoint(checkpoint, claimed.origin, log.keys);
  } catch (error) {
    return { status: 403, why: reasonOf(error) };
  }
  if (old > head.size) return { status: 400, why: `the old size ${old} is larger than the new one, ${head.size}` };
  const known = log.known ?? { size: 0, root: emptyRoot };
  if (old !== known.size) return { status: 409, size: known.size, why: `the last cosigned tree has ${known.size} leaves, not ${old}` };
  if (head.size === known.size && known.size > 0 && !equalBytes(head.root, known.root))
    return { status: 409, size: known.size, why: `another tree of ${known.size} leaves was cosigned` };
  return grewFrom(known, head, proof)
    ? { status: 200, head }
    : { status: 422, why: `the proof does not lead from ${known.size} to ${head.size} leaves` };
}

function grewFrom(known: KnownTree, head: TreeHead, proof: readonly Uint8Array[]): boolean {
  if (known.size === 0) return proof.length === 0 && (head.size > 0 || equalBytes(head.root, emptyRoot));
  return verifyConsistency(known.size, head.size, known.root, head.root, proof);
}

function reasonOf(error: unknown): string {
  if (isProblem(error)) return error.message;
  throw error;
}

/** What a witness's answer to a log means. @throws Problem `integrity` for an answer that is none */
export function readWitnessAnswer(status: number, body: string): { readonly lines: string } | { readonly size: number } {
  if (status === 200) {
    if (body.length > maxAddCheckpointBytes || !/^(— [^\n]+\n)+$/.test(body)) throw unusable('200 without signature lines');
    return { lines: body };
  }
  const [, decimal] = status === 409 ? (/^(0|[1-9][0-9]{0,15})\n$/.exec(body) ?? []) : [];
  if (decimal === undefined) throw unusable(`${status}${status === 409 ? ' without a size' : ''}`);
  return { size: Number(decimal) };
}

function unusable(what: string): Problem {
  return new Problem('integrity', { detail: `it answered ${what}` });
}
