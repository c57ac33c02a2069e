import { inclusionProof } from '@govctl/core/evidence';
import { type Database, query } from '../db/index.ts';
import type { LogReader } from '../promotion/answer.ts';

type NodeKey = { readonly level: number; readonly index: number };

const nodesOf = (keys: string, member: (index: number) => string) =>
  `SELECT n.level, n.node_index, n.hash FROM ${keys} k JOIN merkle_node n ON n.level = ${member(0)} AND n.node_index = ${member(1)}
   UNION ALL
   SELECT 0, r.leaf_index, r.leaf_hash FROM ${keys} k JOIN record r ON r.leaf_index = ${member(1)} WHERE ${member(0)} = 0`;

/** Nodes by \`[level, index]\`; level 0 are the leaves. */
const storedNodes = query<{ keys: string }, { level: number; node_index: number; hash: Uint8Array }>('merkle nodes', {
  sqlite: nodesOf('json_each(:keys)', (index) => `json_extract(k.value, '$[${index}]')`),
  postgres: nodesOf('json_array_elements(CAST(:keys AS json))', (index) => `CAST(k.value ->> ${index} AS bigint)`),
});
const headBySize = query<{ size: number }, { root: Uint8Array }>('log head by size', 'SELECT root FROM log_head WHERE size = :size');

/**
 * Computes over stored nodes with one query: the computation runs once to learn which nodes it asks for, and once with them.
 */
export async function withNodes<T>(database: Database, compute: (readNode: (level: number, index: number) => Uint8Array) => T): Promise<T> {
  const wanted: NodeKey[] = [];
  const blank = new Uint8Array(32);
  compute((level, index) => {
    wanted.push({ level, index });
    return blank;
  });
  if (wanted.length === 0) return compute(() => blank);
  const [rows] = await database.read([storedNodes({ keys: JSON.stringify(wanted.map(({ level, index }) => [level, index])) })]);
  const nodes = new Map(rows.map((row) => [`${row.level}/${row.node_index}`, row.hash]));
  return compute((level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (hash === undefined) throw new Error(`the evidence log lacks node ${level}/${index}`);
    return hash;
  });
}

export function logReader(database: Database, checkpointOf: (head: { size: number; root: Uint8Array }) => string): LogReader {
  return {
    async place(ref, leafIndex, treeSize) {
      const [[head]] = await database.read([headBySize({ size: treeSize })]);
      if (head === undefined) throw new Error(`the evidence log has no head of size ${treeSize}`);
      const proof = await withNodes(database, (readNode) => inclusionProof(leafIndex, treeSize, readNode));
      return {
        ref,
        leaf_index: leafIndex,
        tree_size: treeSize,
        proof: proof.map((hash) => Buffer.from(hash).toString('base64')),
        checkpoint: checkpointOf({ size: treeSize, root: head.root }),
      };
    },
  };
}
