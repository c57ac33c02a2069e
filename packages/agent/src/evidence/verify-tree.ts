import { equalBytes, type MerkleNode } from '@govctl/core/evidence';
import type { Tell } from './log-finding.ts';

export type NodeRange = readonly [level: number, from: number, end: number];
const half = (value: number) => Math.floor(value / 2);
type StoredNode = { readonly level: number; readonly node_index: number; readonly hash: Uint8Array };

/** The complete subtrees that the leaves from `first` up to `end` complete, level by level. */
export function completedBy(first: number, end: number): readonly NodeRange[] {
  const ranges: NodeRange[] = [];
  let [from, to] = [half(first), half(end)];
  for (let level = 1; to > 0; level += 1) {
    if (from < to) ranges.push([level, from, to]);
    [from, to] = [half(from), half(to)];
  }
  return ranges;
}

/** The stored nodes that these leaves completed must be the recomputed ones. */
export function compareNodes(
  ranges: readonly NodeRange[],
  stored: readonly StoredNode[],
  recomputed: readonly MerkleNode[],
  tell: Tell,
): void {
  const starts = new Map(ranges.map(([level, from, end]) => [level, { from, hashes: new Array<Uint8Array | undefined>(end - from) }]));
  for (const { level, node_index, hash } of stored) {
    const range = starts.get(level);
    if (range !== undefined) range.hashes[node_index - range.from] = hash;
  }
  for (const { level, index, hash } of recomputed) {
    const range = starts.get(level);
    const node = range?.hashes[index - range.from];
    if (node === undefined) tell('node', `node ${level}/${index}`, 'it is not stored');
    else if (!equalBytes(node, hash)) tell('node', `node ${level}/${index}`, 'the stored hash is not that of the leaves below it');
  }
}
