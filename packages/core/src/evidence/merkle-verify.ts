import { half, hashSize, nodeHash } from './merkle.ts';

/** RFC 9162, 2.1.3.2. `root` and `size` must come from a verified checkpoint. Never throws. */
export function verifyInclusion(index: number, size: number, leaf: Uint8Array, proof: readonly Uint8Array[], root: Uint8Array): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  if (leaf.byteLength !== hashSize || proof.some((hash) => hash.byteLength !== hashSize)) return false;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && Buffer.compare(hash, root) === 0;
}

/** RFC 9162, 2.1.4.2. From an empty tree there is nothing to prove: always false. Never throws. */
export function verifyConsistency(
  oldSize: number,
  size: number,
  oldRoot: Uint8Array,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(size) || oldSize < 1 || oldSize > size) return false;
  if (proof.some((hash) => hash.byteLength !== hashSize)) return false;
  if (oldSize === size) return proof.length === 0 && Buffer.compare(oldRoot, root) === 0;
  let node = oldSize - 1;
  let last = size - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  // An old tree that is one complete subtree is its own first node, and is not sent.
  const rest = node === 0 ? proof : proof.slice(1);
  const first = node === 0 ? oldRoot : proof[0];
  if (first === undefined || first.byteLength !== hashSize) return false;
  let before = first;
  let now = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      before = nodeHash(sibling, before);
      now = nodeHash(sibling, now);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      now = nodeHash(now, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && Buffer.compare(before, oldRoot) === 0 && Buffer.compare(now, root) === 0;
}
