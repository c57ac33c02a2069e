import { emptyRoot, half, inclusionProof, type MerkleNode, nodeHash, type ReadNode, split } from './merkle.ts';

/** A point an appender can go back to: a unit that loses its guard leaves no leaf. */
export type TreeMark = { readonly size: number; readonly frontier: readonly Uint8Array[] };

/**
 * Appends leaves to a tree known by its size and frontier only. It remembers what it was given and what it completed, which is all
 * that proofs of its own leaves need: no stored node is read.
 */
export class TreeAppender {
  #size: number;
  #frontier: Uint8Array[];
  readonly #nodes: Map<number, Uint8Array>[] = [];

  /** @throws RangeError when the frontier does not fit the size */
  constructor(size: number, frontier: readonly Uint8Array[]) {
    this.#size = size;
    this.#frontier = [...frontier];
    let begin = 0;
    let used = 0;
    while (begin < size) {
      const rest = size - begin;
      const { left, level } = split(rest + 1);
      const hash = frontier[used];
      if (hash === undefined) break;
      this.#remember(level, begin / left, hash);
      begin += left;
      used += 1;
    }
    if (begin !== size || used !== frontier.length) throw new RangeError(`a frontier of ${frontier.length} does not fit a tree of ${size}`);
  }

  get size(): number {
    return this.#size;
  }

  /** Complete subtrees, largest first. */
  get frontier(): readonly Uint8Array[] {
    return [...this.#frontier];
  }

  /** Appends one leaf hash; answers the subtrees it completed, from level 1 up. Level 0 is the leaf itself. */
  append(leaf: Uint8Array): MerkleNode[] {
    const completed: MerkleNode[] = [];
    let index = this.#size;
    let level = 0;
    let hash = leaf;
    this.#remember(0, index, leaf);
    while (index % 2 === 1) {
      const left = this.#frontier.pop();
      if (left === undefined) throw new RangeError('the frontier does not fit the size');
      hash = nodeHash(left, hash);
      index = half(index);
      level += 1;
      this.#remember(level, index, hash);
      completed.push({ level, index, hash });
    }
    this.#frontier.push(hash);
    this.#size += 1;
    return completed;
  }

  /** Root of everything appended so far. */
  root(): Uint8Array {
    let root = this.#frontier.at(-1);
    if (root === undefined) return emptyRoot;
    for (let at = this.#frontier.length - 2; at >= 0; at -= 1) {
      const left = this.#frontier[at];
      if (left !== undefined) root = nodeHash(left, root);
    }
    return root;
  }

  mark(): TreeMark {
    return { size: this.#size, frontier: [...this.#frontier] };
  }

  /** Forgets what was appended since the mark. */
  restore(mark: TreeMark): void {
    this.#size = mark.size;
    this.#frontier = [...mark.frontier];
  }

  /** Proof of a leaf appended by this object, in the tree as it is now. */
  inclusionProof(index: number): Uint8Array[] {
    return inclusionProof(index, this.#size, this.nodeReader());
  }

  /** Nodes this object knows; others are asked of `stored`, and without it are a RangeError. */
  nodeReader(stored?: ReadNode): ReadNode {
    return (level, index) => {
      const known = this.#nodes[level]?.get(index) ?? stored?.(level, index);
      if (known === undefined) throw new RangeError(`node ${level}/${index} is not at hand`);
      return known;
    };
  }

  #remember(level: number, index: number, hash: Uint8Array): void {
    while (this.#nodes.length <= level) this.#nodes.push(new Map());
    this.#nodes[level]?.set(index, hash);
  }
}
