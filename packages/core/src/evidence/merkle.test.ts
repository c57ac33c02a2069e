import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consistencyProof, emptyRoot, inclusionProof, leafHash, nodeHash, type ReadNode, treeFrontier, treeRoot } from './merkle.ts';
import { verifyConsistency, verifyInclusion } from './merkle-verify.ts';
import { TreeAppender } from './tree-appender.ts';
import { vectorFolder } from './vector.fixture.ts';

/** RFC 6962, 2.1, word for word: the definition the fast code is held against. */
function definition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyRoot;
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

function definedPath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return [];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return index < k
    ? [...definedPath(index, leaves.slice(0, k)), definition(leaves.slice(k))]
    : [...definedPath(index - k, leaves.slice(k)), definition(leaves.slice(0, k))];
}

function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
}

/** Grows a tree in batches, keeping stored nodes as a database would. */
function grow(leaves: readonly Uint8Array[], batches: readonly number[] = [leaves.length]) {
  const stored = new Map<string, Uint8Array>();
  const readNode: ReadNode = (level, index) => {
    const hash = stored.get(`${level}/${index}`);
    if (hash === undefined) throw new RangeError(`no node ${level}/${index}`);
    return hash;
  };
  let appender = new TreeAppender(0, []);
  let at = 0;
  for (const count of batches) {
    appender = new TreeAppender(appender.size, appender.frontier);
    for (const leaf of leaves.slice(at, at + count)) {
      stored.set(`0/${appender.size}`, leaf);
      for (const node of appender.append(leaf)) stored.set(`${node.level}/${node.index}`, node.hash);
    }
    at += count;
  }
  return { appender, readNode, stored };
}

const counts = fc.integer({ min: 1, max: 130 });

describe('the tree', () => {
  test('is RFC 6962: root, frontier and every inclusion proof equal the definition', () => {
    fc.assert(
      fc.property(counts, fc.nat(), (count, pick) => {
        const leaves = leavesOf(count);
        const { appender, readNode } = grow(leaves);
        const root = definition(leaves);
        expect(appender.root()).toEqual(root);
        expect(treeRoot(count, readNode)).toEqual(root);
        expect(treeFrontier(count, readNode)).toEqual(appender.frontier);
        const index = pick % count;
        const proof = inclusionProof(index, count, readNode);
        expect(proof).toEqual(definedPath(index, leaves));
        expect(verifyInclusion(index, count, leaves[index] ?? emptyRoot, proof, root)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('stores each complete subtree once: fewer nodes than leaves', () => {
    const { stored } = grow(leavesOf(1000));
    expect(stored.size).toBe(1000 + 500 + 250 + 125 + 62 + 31 + 15 + 7 + 3 + 1);
  });

  test('every pair of sizes is consistent, and with nothing else', () => {
    fc.assert(
      fc.property(counts, fc.nat(), fc.nat(), (size, pickOld, pickBit) => {
        const leaves = leavesOf(size);
        const { readNode } = grow(leaves);
        const old = 1 + (pickOld % size);
        const proof = consistencyProof(old, size, readNode);
        const [oldRoot, root] = [definition(leaves.slice(0, old)), definition(leaves)];
        expect(verifyConsistency(old, size, oldRoot, root, proof)).toBe(true);
        const flipped = Uint8Array.from(oldRoot);
        flipped[pickBit % 32] = (flipped[pickBit % 32] ?? 0) ^ 1;
        expect(verifyConsistency(old, size, flipped, root, proof)).toBe(false);
        if (old !== size) expect(verifyConsistency(old, size, oldRoot, oldRoot, proof)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('a proof with any hash changed, dropped or added, or for another place, fails', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 130 }), fc.nat(), fc.nat(), (count, pick, where) => {
        const leaves = leavesOf(count);
        const { readNode, appender } = grow(leaves);
        const index = pick % count;
        const leaf = leaves[index] ?? emptyRoot;
        const root = appender.root();
        const proof = inclusionProof(index, count, readNode);
        const at = where % proof.length;
        const changed = proof.map((hash, position) => (position === at ? leafHash(hash) : hash));
        expect(verifyInclusion(index, count, leaf, changed, root)).toBe(false);
        expect(verifyInclusion(index, count, leaf, proof.toSpliced(at, 1), root)).toBe(false);
        expect(verifyInclusion(index, count, leaf, [...proof, emptyRoot], root)).toBe(false);
        expect(verifyInclusion((index + 1) % count, count, leaf, proof, root)).toBe(false);
        expect(verifyInclusion(index, count, leafHash(leaf), proof, root)).toBe(false);
      }),
    );
  });

  test('indexes above 2^32 are exact', () => {
    const size = 2 ** 40 + 3;
    const made = (level: number, index: number) => leafHash(Buffer.from(`${level}/${index}`));
    const appender = new TreeAppender(size, treeFrontier(size, made));
    const leaf = leafHash(Buffer.from('far out'));
    const completed = appender.append(leaf);
    expect(completed.map(({ level, index }) => [level, index])).toEqual([
      [1, 2 ** 39 + 1],
      [2, 2 ** 38],
    ]);
    expect(verifyInclusion(size, size + 1, leaf, appender.inclusionProof(size), appender.root())).toBe(true);
    expect(verifyInclusion(size - 1, size + 1, leaf, appender.inclusionProof(size), appender.root())).toBe(false);
  });

  test('sizes and indexes that make no sense are refused', () => {
    const { readNode, appender } = grow(leavesOf(5));
    for (const [index, size] of [
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [0, 2 ** 53],
    ] as const) {
      expect(() => inclusionProof(index, size, readNode)).toThrow(RangeError);
      expect(verifyInclusion(index, size, emptyRoot, [], appender.root())).toBe(false);
    }
    for (const [old, size] of [
      [0, 5],
      [6, 5],
      [1.5, 5],
    ] as const)
      expect(() => consistencyProof(old, size, readNode)).toThrow(RangeError);
    expect(() => new TreeAppender(3, [emptyRoot])).toThrow(RangeError);
    expect(() => new TreeAppender(2, [emptyRoot, emptyRoot])).toThrow(RangeError);
  });
});

describe('the appender', () => {
  test('batches of any size give the same tree and the same nodes as one batch', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (batches) => {
        const leaves = leavesOf(batches.reduce((sum, count) => sum + count, 0));
        const whole = grow(leaves);
        const pieces = grow(leaves, batches);
        expect(pieces.appender.root()).toEqual(whole.appender.root());
        expect(new Map([...pieces.stored].sort())).toEqual(new Map([...whole.stored].sort()));
      }),
    );
  });

  test('proves the leaves of its own batch without reading a stored node', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.integer({ min: 1, max: 70 }), (before, added) => {
        const leaves = leavesOf(before + added);
        const { appender: old, readNode } = grow(leaves.slice(0, before));
        const appender = new TreeAppender(before, before === 0 ? [] : treeFrontier(before, readNode));
        expect(appender.frontier).toEqual(old.frontier);
        for (const leaf of leaves.slice(before)) appender.append(leaf);
        for (let index = before; index < before + added; index += 1) {
          const proof = appender.inclusionProof(index);
          expect(proof).toEqual(definedPath(index, leaves));
          expect(verifyInclusion(index, before + added, leaves[index] ?? emptyRoot, proof, appender.root())).toBe(true);
        }
      }),
    );
  });

  test('asks the store for what it does not know, and without one says so', () => {
    const leaves = leavesOf(9);
    const { readNode } = grow(leaves.slice(0, 8));
    const appender = new TreeAppender(8, treeFrontier(8, readNode));
    appender.append(leaves[8] ?? emptyRoot);
    expect(() => appender.inclusionProof(0)).toThrow(RangeError);
    expect(inclusionProof(0, 9, appender.nodeReader(readNode))).toEqual(definedPath(0, leaves));
  });

  test('a unit that loses its guard leaves no leaf', () => {
    fc.assert(
      fc.property(fc.nat({ max: 70 }), fc.nat({ max: 20 }), fc.integer({ min: 1, max: 20 }), (before, lost, kept) => {
        const leaves = leavesOf(before + kept);
        const appender = new TreeAppender(0, []);
        for (const leaf of leaves.slice(0, before)) appender.append(leaf);
        const mark = appender.mark();
        for (let index = 0; index < lost; index += 1) appender.append(leafHash(Buffer.from(`lost ${index}`)));
        appender.restore(mark);
        for (const leaf of leaves.slice(before)) appender.append(leaf);
        expect(appender.root()).toEqual(definition(leaves));
        const last = before + kept - 1;
        expect(appender.inclusionProof(last)).toEqual(definedPath(last, leaves));
      }),
    );
  });
});

type InclusionCase = {
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
};
type ConsistencyCase = {
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
};

const vectors = vectorFolder('merkle');

describe.skipIf(vectors === undefined)('transparency-dev/merkle vectors', () => {
  const bytes = (text: string) => Buffer.from(text, 'base64');
  function cases<C>(kind: string): (C & { file: string })[] {
    const folder = `${vectors}/${kind}`;
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.json'))
      .map((file) => ({ ...(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as C), file }));
  }

  test('98 inclusion proofs', () => {
    const all = cases<InclusionCase>('inclusion');
    expect(all).toHaveLength(98);
    for (const one of all) {
      const verdict = verifyInclusion(one.leafIdx, one.treeSize, bytes(one.leafHash), (one.proof ?? []).map(bytes), bytes(one.root));
      expect(verdict, one.file).toBe(!one.wantErr);
    }
  });

  test('98 consistency proofs', () => {
    const all = cases<ConsistencyCase>('consistency');
    expect(all).toHaveLength(98);
    for (const one of all) {
      const verdict = verifyConsistency(one.size1, one.size2, bytes(one.root1), bytes(one.root2), (one.proof ?? []).map(bytes));
      expect(verdict, one.file).toBe(!one.wantErr);
    }
  });
});
