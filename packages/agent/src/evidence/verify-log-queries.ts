import { query } from '../db/index.ts';

export type LeafRow = {
  leaf_index: number;
  ref: string;
  kind: string;
  run_id: string | null;
  tenant_id: string;
  dataset_id: string | null;
  recorded_at: string;
  leaf_hash: Uint8Array;
  body: Uint8Array;
  payload: Uint8Array | null;
  facts: string | null;
};
export const leafPage = query<{ first: number; end: number }, LeafRow>(
  'leaf page',
  `SELECT r.leaf_index, r.ref, r.kind, r.run_id, r.tenant_id, r.dataset_id, r.recorded_at, r.leaf_hash, r.body, p.payload, f.facts
   FROM record r LEFT JOIN record_payload p ON p.leaf_index = r.leaf_index LEFT JOIN decision_facts f ON f.leaf_index = r.leaf_index
   WHERE r.leaf_index >= :first AND r.leaf_index < :end ORDER BY r.leaf_index`,
);

/** Bytes of what the leaves of a page have beside their rows, without reading it. */
export const leafWeight = query<{ first: number; end: number }, { bytes: number }>(
  'leaf weight',
  `SELECT coalesce((SELECT sum(octet_length(payload)) FROM record_payload WHERE leaf_index >= :first AND leaf_index < :end), 0)
     + coalesce((SELECT sum(octet_length(facts)) FROM decision_facts WHERE leaf_index >= :first AND leaf_index < :end), 0) AS bytes`,
);

export type SignedRow = Pick<LeafRow, 'leaf_index' | 'ref' | 'kind' | 'body' | 'payload'>;
/** What signatures are checked with. */
export const signedPage = query<{ first: number; end: number }, SignedRow>(
  'signed page',
  `SELECT r.leaf_index, r.ref, r.kind, r.body, p.payload FROM record r LEFT JOIN record_payload p ON p.leaf_index = r.leaf_index
   WHERE r.leaf_index >= :first AND r.leaf_index < :end ORDER BY r.leaf_index`,
);

const nodesIn = (ranges: string, member: (index: number) => string) =>
  `SELECT n.level, n.node_index, n.hash FROM ${ranges} k CROSS JOIN merkle_node n
   WHERE n.level = ${member(0)} AND n.node_index >= ${member(1)} AND n.node_index < ${member(2)}`;
/** Nodes of some ranges, \`[level, from, end]\` each. */
export const nodeRanges = query<{ ranges: string }, { level: number; node_index: number; hash: Uint8Array }>('node ranges', {
  sqlite: nodesIn('json_each(:ranges)', (index) => `json_extract(k.value, '$[${index}]')`),
  postgres: nodesIn('json_array_elements(CAST(:ranges AS json))', (index) => `CAST(k.value ->> ${index} AS bigint)`),
});

export const headPage = query<{ after: number; upto: number }, { size: number; root: Uint8Array }>(
  'log head page',
  'SELECT size, root FROM log_head WHERE size > :after AND size <= :upto ORDER BY size',
);

/** Rows that belong to no leaf of the committed tree: something was put beside the log. Answers from the ends of indexes only. */
export const strayRows = query<Record<string, never>, { records: number; payloads: number; facts: number }>(
  'stray log rows',
  `SELECT (SELECT count(*) FROM record WHERE leaf_index < 0 OR leaf_index >= h.size) AS records,
          (SELECT count(*) FROM record_payload WHERE leaf_index < 0 OR leaf_index >= h.size) AS payloads,
          (SELECT count(*) FROM decision_facts WHERE leaf_index < 0 OR leaf_index >= h.size) AS facts
   FROM (SELECT coalesce(max(size), 0) AS size FROM log_head) AS h`,
);
const strayNodeText = (levels: string) =>
  `SELECT n.level, n.node_index FROM (SELECT coalesce(max(size), 0) AS size FROM log_head) AS h
     CROSS JOIN (${levels}) AS k JOIN merkle_node n ON n.level = k.level AND n.node_index >= h.size / k.width
   UNION ALL SELECT level, node_index FROM merkle_node WHERE level < 1
   UNION ALL SELECT level, node_index FROM merkle_node WHERE level > 52
   LIMIT 100`;
export const strayNodes = query<{ levels: string }, { level: number; node_index: number }>('stray merkle nodes', {
  sqlite: strayNodeText('SELECT value AS level, 1 << value AS width FROM json_each(:levels)'),
  postgres: strayNodeText(
    `SELECT CAST(value AS bigint) AS level, CAST(1 AS bigint) << CAST(value AS integer) AS width
     FROM json_array_elements_text(CAST(:levels AS json))`,
  ),
});

export type PointerOfLeaf = {
  place: number;
  snapshot_id: string;
  snapshot_hash: string;
  run_id: string;
  decision_ref: string;
  fence: number;
  evidence_ref: string | null;
};
/** The pointer rows that promotion records name, by `[place, tenant, dataset, layer, generation]`. */
const pointersOf = (rows: string, member: (index: number) => string, integer: (text: string) => string) =>
  `SELECT ${integer(member(0))} AS place, p.snapshot_id, p.snapshot_hash, p.run_id, p.decision_ref, p.fence, r.evidence_ref
   FROM ${rows} k JOIN pointer p ON p.tenant_id = ${member(1)} AND p.dataset_id = ${member(2)} AND p.layer = ${member(3)}
     AND p.generation = ${integer(member(4))}
   LEFT JOIN run r ON r.run_id = p.run_id`;
export const pointersOfLeaves = query<{ keys: string }, PointerOfLeaf>('pointers of leaves', {
  sqlite: pointersOf(
    'json_each(:keys)',
    (index) => `json_extract(k.value, '$[${index}]')`,
    (text) => text,
  ),
  postgres: pointersOf(
    'json_array_elements(CAST(:keys AS json))',
    (index) => `(k.value ->> ${index})`,
    (text) => `CAST(${text} AS bigint)`,
  ),
});

export type PointerPlace = { tenant_id: string; dataset_id: string; layer: string; generation: number };
export const pointerPage = query<
  PointerPlace & { limit: number },
  PointerPlace & { run_id: string; promotion: string | null; decision: string | null }
>(
  'pointer page',
  `SELECT p.tenant_id, p.dataset_id, p.layer, p.generation, p.run_id, e.ref AS promotion, d.ref AS decision
   FROM pointer p LEFT JOIN run r ON r.run_id = p.run_id
   LEFT JOIN record e ON e.ref = r.evidence_ref AND e.kind = 'promotion' AND e.run_id = p.run_id
   LEFT JOIN record d ON d.ref = p.decision_ref AND d.kind = 'decision' AND d.run_id = p.run_id
   WHERE (p.tenant_id, p.dataset_id, p.layer, p.generation) > (:tenant_id, :dataset_id, :layer, :generation)
   ORDER BY p.tenant_id, p.dataset_id, p.layer, p.generation LIMIT :limit`,
);

/** Runs and the records their rows name. */
export const runPage = query<{ after: string; limit: number }, { run_id: string; lacks: string | null }>(
  'run page',
  `SELECT r.run_id, CASE WHEN r.decision_ref IS NOT NULL AND d.ref IS NULL THEN r.decision_ref
                         WHEN r.evidence_ref IS NOT NULL AND e.ref IS NULL THEN r.evidence_ref END AS lacks
   FROM run r LEFT JOIN record d ON d.ref = r.decision_ref LEFT JOIN record e ON e.ref = r.evidence_ref
   WHERE r.run_id > :after ORDER BY r.run_id LIMIT :limit`,
);
