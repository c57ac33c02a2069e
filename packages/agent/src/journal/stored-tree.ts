import { Problem } from '@govctl/core/api';
import { TreeAppender, treeFrontier } from '@govctl/core/evidence';
import type { SqliteHandle } from '../db/index.ts';

type NodeRow = { hash: Uint8Array };

/** The appender at the committed head, from stored nodes. */
export function readStoredTree(handle: SqliteHandle): TreeAppender {
  const head = handle.prepare('SELECT max(size) AS size FROM log_head').get() as { size: number | null };
  const size = head.size ?? 0;
  const leaf = handle.prepare('SELECT leaf_hash AS hash FROM record WHERE leaf_index = ?');
  const node = handle.prepare('SELECT hash FROM merkle_node WHERE level = ? AND node_index = ?');
  const frontier = treeFrontier(size, (level, index) => {
    const row = (level === 0 ? leaf.get(index) : node.get(level, index)) as NodeRow | undefined;
    if (row === undefined)
      throw new Problem('unavailable', {
        detail: `the evidence log lacks node ${level}/${index} of its tree of ${size}`,
        hint: 'govctl log verify; restore from a backup',
      });
    return row.hash;
  });
  return new TreeAppender(size, frontier);
}
