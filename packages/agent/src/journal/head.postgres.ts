import { Problem } from '@govctl/core/api';
import { equalBytes, TreeAppender, treeFrontier } from '@govctl/core/evidence';
import type { PostgresRun } from '../db/index.ts';
import { lockKey } from './lock.postgres.ts';

type HeadRow = { size: number | null; root: Uint8Array | null; known_root: Uint8Array | null };

/** The appender at the committed head, from stored nodes. */
export async function readTree(run: PostgresRun): Promise<TreeAppender> {
  const head = await run<{ size: number | null }>('SELECT max(size) AS size FROM log_head');
  return await treeOfSize(run, head.rows[0]?.size ?? 0);
}

/** The log that was read before is no longer the beginning of the one in the database. */
export class LogMoved extends Error {
  override readonly name = 'LogMoved';
}

/**
 * Takes the lock on the head, the last lock of every transaction that appends, and answers the tree to append to: the one at hand
 * when no other host appended since, otherwise a new one.
 *
 * @throws LogMoved when the database holds less than was acknowledged, or something else: appending would fork the log
 */
export async function treeUnderLock(run: PostgresRun, schema: string, known: TreeAppender): Promise<TreeAppender> {
  await run('SELECT pg_advisory_xact_lock(CAST(:key AS bigint))', { key: lockKey(schema, 'head') });
  const { rows } = await run<HeadRow>(
    `SELECT h.size, h.root, (SELECT root FROM log_head WHERE size = :known) AS known_root
     FROM (SELECT 1) AS one LEFT JOIN (SELECT size, root FROM log_head ORDER BY size DESC LIMIT 1) AS h ON true`,
    { known: known.size },
  );
  const size = rows[0]?.size ?? 0;
  const knownRoot = rows[0]?.known_root ?? null;
  if (size < known.size) throw new LogMoved(`it has ${size} leaves, and ${known.size} were acknowledged: it is an older copy`);
  if (known.size > 0 && (knownRoot === null || !equalBytes(knownRoot, known.root())))
    throw new LogMoved(`its first ${known.size} leaves are not the ${known.size} that were acknowledged`);
  return size === known.size ? new TreeAppender(known.size, known.frontier) : await treeOfSize(run, size);
}

async function treeOfSize(run: PostgresRun, size: number): Promise<TreeAppender> {
  const wanted: { level: number; index: number }[] = [];
  treeFrontier(size, (level, index) => {
    wanted.push({ level, index });
    return new Uint8Array(32);
  });
  const { rows } = await run<{ level: number; node_index: number; hash: Uint8Array }>(
    `SELECT n.level, n.node_index, n.hash FROM json_to_recordset(CAST(:wanted AS json)) AS k(level bigint, index bigint)
       JOIN merkle_node n ON n.level = k.level AND n.node_index = k.index
     UNION ALL
     SELECT 0, r.leaf_index, r.leaf_hash FROM json_to_recordset(CAST(:wanted AS json)) AS k(level bigint, index bigint)
       JOIN record r ON r.leaf_index = k.index WHERE k.level = 0`,
    { wanted: JSON.stringify(wanted) },
  );
  const nodes = new Map(rows.map((row) => [`${row.level}/${row.node_index}`, row.hash]));
  const frontier = treeFrontier(size, (level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (hash === undefined)
      throw new Problem('unavailable', {
        detail: `the evidence log lacks node ${level}/${index} of its tree of ${size}`,
        hint: 'govctl log verify; restore from a backup',
      });
    return hash;
  });
  return new TreeAppender(size, frontier);
}
