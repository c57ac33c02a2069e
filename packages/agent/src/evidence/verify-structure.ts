import { equalBytes, type MerkleNode, TreeAppender } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { disposedLeaves } from './disposition-queries.ts';
import { pageEnd, pagesOf } from './leaf-page.ts';
import { type LogVerifyProgress, type LogWalk, leafSubject, progressOf, turn } from './log-finding.ts';
import type { SignedLeaf } from './signature-checker.ts';
import { comparePromotions, type Promotion } from './verify-counterpart.ts';
import { verifyLeaf } from './verify-leaf.ts';
import { headPage, type LeafRow, leafPage, nodeRanges } from './verify-log-queries.ts';
import { compareNodes, completedBy } from './verify-tree.ts';

export type StructurePage = {
  readonly first: number;
  readonly end: number;
  /** Leaves whose signatures are still to be checked. */
  readonly signed: readonly SignedLeaf[];
  /** Leaves without a payload: what was signed is gone. */
  readonly erased: number;
};

/**
 * Walks the leaves of the log and believes nothing that is stored: each value of each leaf, each node, each root that was ever committed.
 * What is left to check of a page, signatures, is handed on. Answers the root.
 */
export async function* verifyStructure(
  walk: LogWalk,
  onPage: (page: StructurePage) => void,
): AsyncGenerator<LogVerifyProgress, Uint8Array> {
  const { database, size, signal } = walk;
  const { tell, checked } = walk.found;
  let tree = new TreeAppender(0, []);
  let lastHead = 0;
  for await (const { first, end, rows, heads, disposed, nodes, ranges } of pagesOf(0, size, (from) => readPage(database, from, size))) {
    const roots = new Map(heads.map(({ size: at, root }) => [at, root]));
    // A new one each page: it remembers the nodes of its own leaves, and a long log has too many.
    tree = new TreeAppender(tree.size, tree.frontier);
    const accounted = new Set(disposed.map(({ leaf_index }) => leaf_index));
    const promotions: Promotion[] = [];
    const completed: MerkleNode[] = [];
    const signed: SignedLeaf[] = [];
    const erasedBefore = checked.erased;
    for (const [at, row] of rows.entries()) {
      if (row.leaf_index !== first + at) break;
      const { failures, statement, leaf } = verifyLeaf(row);
      for (const [check, detail] of failures) tell(check, leafSubject(row), detail);
      if (row.payload === null) {
        checked.erased += 1;
        if (!accounted.has(row.leaf_index)) tell('erasure', leafSubject(row), 'its payload is gone, and no disposition lists it');
      } else if (leaf !== undefined) signed.push(signedLeaf(row, row.payload, leaf.signatures));
      if (statement?.kind === 'promotion') promotions.push({ ref: row.ref, subject: leafSubject(row), predicate: statement.predicate });
      completed.push(...tree.append(row.leaf_hash));
      checked.leaves += 1;
      const root = roots.get(tree.size);
      if (root === undefined) continue;
      checked.heads += 1;
      lastHead = tree.size;
      if (!equalBytes(root, tree.root())) tell('root', `head of ${tree.size} leaves`, 'the stored root is not that of the stored leaves');
    }
    compareNodes(ranges, nodes, completed, tell);
    checked.nodes += completed.length;
    await comparePromotions(database, promotions, tell);
    checked.promotions += promotions.length;
    onPage({ first, end: tree.size, signed, erased: checked.erased - erasedBefore });
    yield progressOf(walk, 'leaves');
    await turn(signal);
    if (tree.size === end) continue;
    tell('index', `leaf ${tree.size}`, 'there is no record at this index');
    break;
  }
  if (checked.leaves === size && lastHead !== size) tell('head', `head of ${size} leaves`, 'it was not recomputed');
  return tree.root();
}

async function readPage(database: Database, first: number, size: number) {
  const end = await pageEnd(database, first, size);
  const ranges = completedBy(first, end);
  const [rows, heads, disposed, nodes] = await database.read([
    leafPage({ first, end }),
    headPage({ after: first, upto: end }),
    disposedLeaves({ first, end }),
    nodeRanges({ ranges: JSON.stringify(ranges) }),
  ]);
  return { first, end, rows, heads, disposed, nodes, ranges };
}

export function signedLeaf(
  { leaf_index, ref, kind }: Pick<LeafRow, 'leaf_index' | 'ref' | 'kind'>,
  payload: Uint8Array,
  signatures: SignedLeaf['signatures'],
): SignedLeaf {
  return { leaf_index, ref, kind, payload, signatures };
}
