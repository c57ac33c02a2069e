import { listed as listedValues, opaque, query } from '../db/index.ts';

export type RecordRow = {
  leaf_index: number;
  ref: string;
  kind: string;
  run_id: string | null;
  tenant_id: string;
  dataset_id: string | null;
  recorded_at: string;
  body: Uint8Array;
  /** Null when it was erased. */
  payload: Uint8Array | null;
};

const recordColumns = `r.leaf_index, r.ref, r.kind, r.run_id, r.tenant_id, r.dataset_id, r.recorded_at, r.body, p.payload
   FROM record r LEFT JOIN record_payload p ON p.leaf_index = r.leaf_index`;

/** A record, and the smallest committed tree that has it: the same for ever, so that its evidence file is the same bytes for ever. */
export const recordWithCover = query<{ ref: string }, RecordRow & { covering_size: number | null }>(
  'record with cover',
  `SELECT (SELECT min(size) FROM log_head WHERE size > r.leaf_index) AS covering_size, ${recordColumns} WHERE r.ref = ${opaque('ref')}`,
);

export const recordsOfRun = query<{ run_id: string }, RecordRow & { facts: string | null }>(
  'records of run',
  `SELECT f.facts, ${recordColumns} LEFT JOIN decision_facts f ON f.leaf_index = r.leaf_index
   WHERE r.run_id = :run_id ORDER BY r.leaf_index`,
);

export const newestDecisionOfRun = query<{ run_id: string }, RecordRow>(
  'newest decision of run',
  `SELECT ${recordColumns} WHERE r.run_id = :run_id AND r.kind = 'decision' ORDER BY r.leaf_index DESC LIMIT 1`,
);

export type ListedRow = Omit<RecordRow, 'body' | 'payload'> & { erased: 0 | 1 };
type ListFilter = {
  tenant_id: string | null;
  dataset_id: string | null;
  kind: string | null;
  floor: number;
  before: number;
  limit: number;
};
const listed = `SELECT r.leaf_index, r.ref, r.kind, r.run_id, r.tenant_id, r.dataset_id, r.recorded_at, CASE WHEN p.leaf_index IS NULL THEN 1 ELSE 0 END AS erased
   FROM record r LEFT JOIN record_payload p ON p.leaf_index = r.leaf_index
   WHERE r.leaf_index >= :floor AND r.leaf_index < :before AND (:tenant_id IS NULL OR r.tenant_id = :tenant_id)
     AND (:dataset_id IS NULL OR r.dataset_id = :dataset_id) AND (:kind IS NULL OR r.kind = :kind)`;

export const recordPage = query<ListFilter, ListedRow>('record page', `${listed} ORDER BY r.leaf_index DESC LIMIT :limit`);
/** On its own, because only a run can be found by an index. */
export const recordPageOfRun = query<ListFilter & { run_id: string }, ListedRow>(
  'record page of run',
  `${listed} AND r.run_id = :run_id ORDER BY r.leaf_index DESC LIMIT :limit`,
);

export type HeadRow = { size: number; root: Uint8Array };
export const newestHead = query<Record<string, never>, HeadRow>(
  'newest log head',
  'SELECT size, root FROM log_head ORDER BY size DESC LIMIT 1',
);
export const headOfSize = query<{ size: number }, HeadRow>('log head of size', 'SELECT size, root FROM log_head WHERE size = :size');

export const leafOfRef = query<{ ref: string }, { leaf_index: number; ref: string; body: Uint8Array }>(
  'leaf of ref',
  'SELECT leaf_index, ref, body FROM record WHERE ref = :ref',
);
export const refOfLeaf = query<{ leaf_index: number }, { leaf_index: number; ref: string; body: Uint8Array }>(
  'ref of leaf',
  'SELECT leaf_index, ref, body FROM record WHERE leaf_index = :leaf_index',
);

export const bodiesOfRange = query<{ first: number; end: number }, { body: Uint8Array }>(
  'leaf bodies',
  'SELECT body FROM record WHERE leaf_index >= :first AND leaf_index < :end ORDER BY leaf_index',
);
export const leafHashesOfRange = query<{ first: number; end: number }, { hash: Uint8Array }>(
  'leaf hashes',
  'SELECT leaf_hash AS hash FROM record WHERE leaf_index >= :first AND leaf_index < :end ORDER BY leaf_index',
);
export const nodesOfRange = query<{ level: number; first: number; end: number }, { hash: Uint8Array }>(
  'merkle nodes of range',
  'SELECT hash FROM merkle_node WHERE level = :level AND node_index >= :first AND node_index < :end ORDER BY node_index',
);

export const packsByDigest = query<{ digests: string }, { digest: string; name: string; version: string; source: string }>(
  'policy packs with source',
  listedValues(
    'digests',
    (digests) => `SELECT digest, name, version, source FROM policy_pack WHERE digest IN (${digests}) ORDER BY digest`,
  ),
);

type ArchiveFilter = { tenant_id: string | null; dataset_id: string | null; floor: number; end: number };
const archived = `r.leaf_index >= :floor AND r.leaf_index < :end AND (:tenant_id IS NULL OR r.tenant_id = :tenant_id)
     AND (:dataset_id IS NULL OR r.dataset_id = :dataset_id)`;

/** The first or the last leaf of a time within a stretch of the log; null where there is none. */
export const edgesOfTime = query<ArchiveFilter & { since: string; until: string | null }, { first: number | null; last: number | null }>(
  'edges of time',
  `SELECT min(r.leaf_index) AS first, max(r.leaf_index) AS last FROM record r
   WHERE ${archived} AND r.recorded_at >= :since AND (:until IS NULL OR r.recorded_at < :until)`,
);

export const archivePage = query<ArchiveFilter & { limit: number }, RecordRow & { facts: string | null }>(
  'archive page',
  `SELECT f.facts, ${recordColumns} LEFT JOIN decision_facts f ON f.leaf_index = r.leaf_index WHERE ${archived} ORDER BY r.leaf_index LIMIT :limit`,
);
