import { sha256 } from './digest.ts';

/** A complete subtree: it covers leaves `index * 2^level` up to `(index + 1) * 2^level - 1`, and never changes once it exists. */
export type MerkleNode = { readonly level: number; readonly index: number; readonly hash: Uint8Array };

/** Answers complete subtrees only; level 0 are the leaf hashes. Throws when the tree does not have the node. */
export type ReadNode = (level: number, index: number) => Uint8Array;

export const hashSize = 32;
/** RFC 6962: the root of a tree without leaves. */
export const emptyRoot: Uint8Array = sha256(new Uint8Array(0));

const nodeInput = new Uint8Array(1 + 2 * hashSize);
nodeInput[0] = 1;

/** RFC 6962 leaf hash: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + entry.byteLength);
  input.set(entry, 1);
  return sha256(input);
}

/** RFC 6962 node hash: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashSize);
  return sha256(nodeInput);
}

/** Sizes and indexes are exact integers up to 2^53, so halves are divisions: bit operators stop at 32 bits. */
export function half(value: number): number {
  return Math.floor(value / 2);
}

/** The largest power of two below `count` (count >= 2), with its exponent. */
export function split(count: number): { readonly left: number; readonly level: number } {
  let left = 1;
  let level = 0;
  while (left * 2 < count) {
    left *= 2;
    level += 1;
  }
  return { left, level };
}

/** Root of the leaves `[begin, begin + count)`, where `begin` is a multiple of the power of two that holds `count`. */
function rangeRoot(begin: number, count: number, readNode: ReadNode): Uint8Array {
  if (count === 1) return readNode(0, begin);
  const { left, level } = split(count);
  if (left * 2 === count) return readNode(level + 1, begin / count);
  return nodeHash(readNode(level, begin / left), rangeRoot(begin + left, count - left, readNode));
}

/** Root of the first `size` leaves. */
export function treeRoot(size: number, readNode: ReadNode): Uint8Array {
  return size === 0 ? emptyRoot : rangeRoot(0, size, readNode);
}

/** The complete subtrees that make up the first `size` leaves, largest first: all an appender needs. */
export function treeFrontier(size: number, readNode: ReadNode): Uint8Array[] {
  const frontier: Uint8Array[] = [];
  for (let begin = 0; begin < size; ) {
    const rest = size - begin;
    const { left, level } = split(rest + 1);
    frontier.push(readNode(level, begin / left));
    begin += left;
  }
  return frontier;
}

/**
 * Inclusion proof of leaf `index` in the tree of the first `size` leaves, leaf side first (RFC 9162, 2.1.3.1). Reads at most two nodes a level.
 *
 * @throws RangeError when the tree has no such leaf
 */
export function inclusionProof(index: number, size: number, readNode: ReadNode): Uint8Array[] {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) {
    throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  }
  const proof: Uint8Array[] = [];
  let begin = 0;
  let count = size;
  while (count > 1) {
    const { left } = split(count);
    if (index < begin + left) {
      proof.push(rangeRoot(begin + left, count - left, readNode));
      count = left;
    } else {
      proof.push(rangeRoot(begin, left, readNode));
      begin += left;
      count -= left;
    }
  }
  return proof.reverse();
}

/**
 * Consistency proof between the trees of the first `oldSize` and the first `size` leaves (RFC 9162, 2.1.4.1). Empty for equal sizes.
 *
 * @throws RangeError for sizes that cannot be compared; an empty old tree proves nothing
 */
export function consistencyProof(oldSize: number, size: number, readNode: ReadNode): Uint8Array[] {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(size) || oldSize < 1 || oldSize > size) {
    throw new RangeError(`no consistency proof from ${oldSize} to ${size} leaves`);
  }
  const proof: Uint8Array[] = [];
  let begin = 0;
  let count = size;
  let old = oldSize;
  // While true the verifier knows the root of the old part itself, so it is not sent.
  let known = true;
  while (old !== count) {
    const { left } = split(count);
    if (old <= left) {
      proof.push(rangeRoot(begin + left, count - left, readNode));
      count = left;
    } else {
      proof.push(rangeRoot(begin, left, readNode));
      begin += left;
      count -= left;
      old -= left;
      known = false;
    }
  }
  if (!known) proof.push(rangeRoot(begin, count, readNode));
  return proof.reverse();
}
