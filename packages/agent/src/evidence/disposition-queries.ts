import { listed, query } from '../db/index.ts';

export type CandidateRow = {
  leaf_index: number;
  ref: string;
  kind: string;
  run_id: string | null;
  tenant_id: string;
  dataset_id: string | null;
  recorded_at: string;
  bytes: number;
};

/** Records of a stretch of the log that have their payload and are in no disposition; `kinds` is a JSON array. */
export const dispositionCandidates = query<{ floor: number; end: number; kinds: string }, CandidateRow>(
  'disposition candidates',
  listed(
    'kinds',
    (kinds) => `SELECT r.leaf_index, r.ref, r.kind, r.run_id, r.tenant_id, r.dataset_id, r.recorded_at,
       octet_length(p.payload) + coalesce(octet_length(f.facts), 0) AS bytes
     FROM record r JOIN record_payload p ON p.leaf_index = r.leaf_index LEFT JOIN decision_facts f ON f.leaf_index = r.leaf_index
     WHERE r.leaf_index >= :floor AND r.leaf_index < :end AND r.kind IN (${kinds})
       AND NOT EXISTS (SELECT 1 FROM disposition_item i WHERE i.leaf_index = r.leaf_index)
     ORDER BY r.leaf_index`,
  ),
);

/** Runs that something current rests on: what is ACTIVE, what is open, what is still to be audited. */
export const runsInUse = query<Record<string, never>, { run_id: string }>(
  'runs in use',
  `SELECT p.run_id FROM pointer p JOIN
     (SELECT tenant_id, dataset_id, layer, max(generation) AS generation FROM pointer GROUP BY tenant_id, dataset_id, layer) AS n
     ON n.tenant_id = p.tenant_id AND n.dataset_id = p.dataset_id AND n.layer = p.layer AND n.generation = p.generation
   UNION SELECT run_id FROM run WHERE phase NOT IN ('COMPLETED', 'FAILED')
   UNION SELECT run_id FROM pending_audit WHERE closed_at IS NULL`,
);

/** Records of what people said that still counts, and decisions that pointers name. */
export const refsInUse = query<{ now: string }, { ref: string }>(
  'refs in use',
  `SELECT evidence_ref AS ref FROM waiver WHERE revoked_at IS NULL AND expires_at > :now
   UNION SELECT evidence_ref FROM approval WHERE used_at IS NULL AND expires_at > :now
   UNION SELECT p.decision_ref FROM pointer p JOIN
     (SELECT tenant_id, dataset_id, layer, max(generation) AS generation FROM pointer GROUP BY tenant_id, dataset_id, layer) AS n
     ON n.tenant_id = p.tenant_id AND n.dataset_id = p.dataset_id AND n.layer = p.layer AND n.generation = p.generation`,
);

export const datasetsOnHold = query<Record<string, never>, { tenant_id: string; dataset_id: string }>(
  'datasets on hold',
  'SELECT DISTINCT tenant_id, dataset_id FROM hold WHERE lifted_at IS NULL',
);

export type DispositionRow = {
  number: number;
  disposition_id: string;
  rule: string;
  records: number;
  bytes: number;
  refs_digest: string;
  evidence_ref: string;
  reason: string;
  announced_at: string;
  announced_by: string;
  /** Payloads that are still there, and those of them whose dataset is on hold. */
  remaining: number;
  held: number;
};

const onHold = `EXISTS (SELECT 1 FROM record r JOIN hold h ON h.tenant_id = r.tenant_id AND h.dataset_id = r.dataset_id
    WHERE r.leaf_index = i.leaf_index AND h.lifted_at IS NULL)`;
const remaining = `SELECT count(*) FROM disposition_item i JOIN record_payload p ON p.leaf_index = i.leaf_index
    WHERE i.disposition_id = d.disposition_id`;
const withProgress = `SELECT d.*, (${remaining}) AS remaining, (${remaining} AND ${onHold}) AS held FROM disposition d`;

export const dispositions = query<{ limit: number }, DispositionRow>('dispositions', `${withProgress} ORDER BY d.number DESC LIMIT :limit`);
export const dispositionById = query<{ disposition_id: string }, DispositionRow>(
  'disposition by id',
  `${withProgress} WHERE d.disposition_id = :disposition_id`,
);

/** Of those that were announced, the ones that have something left that may be erased now; oldest first. */
export const unfinishedDispositions = query<{ limit: number }, DispositionRow>(
  'unfinished dispositions',
  `${withProgress} WHERE EXISTS (SELECT 1 FROM disposition_item i JOIN record_payload p ON p.leaf_index = i.leaf_index
     WHERE i.disposition_id = d.disposition_id AND NOT ${onHold}) ORDER BY d.number LIMIT :limit`,
);

export const newestDisposition = query<Record<string, never>, { number: number }>(
  'newest disposition',
  'SELECT coalesce(max(number), 0) AS number FROM disposition',
);

/** The next leaves of a disposition that may be erased now. */
export const nextErasable = query<{ disposition_id: string; limit: number }, { leaf_index: number }>(
  'next erasable',
  `SELECT i.leaf_index FROM disposition_item i JOIN record_payload p ON p.leaf_index = i.leaf_index
   WHERE i.disposition_id = :disposition_id AND NOT ${onHold} ORDER BY i.leaf_index LIMIT :limit`,
);

/** Whose records a disposition is about: whoever carries it on needs a grant on all of them. */
export const ownersOfDisposition = query<{ disposition_id: string }, { tenant_id: string; dataset_id: string | null }>(
  'owners of disposition',
  `SELECT DISTINCT r.tenant_id, r.dataset_id FROM disposition_item i JOIN record r ON r.leaf_index = i.leaf_index
   WHERE i.disposition_id = :disposition_id`,
);

/** Of a stretch of the log, the leaves that some disposition lists. */
export const disposedLeaves = query<{ first: number; end: number }, { leaf_index: number }>(
  'disposed leaves',
  'SELECT leaf_index FROM disposition_item WHERE leaf_index >= :first AND leaf_index < :end',
);

export type AccountedRow = {
  number: number;
  disposition_id: string;
  evidence_ref: string;
  refs_digest: string;
  payload: Uint8Array | null;
};
/** Dispositions with the record each names. */
export const accountedDispositions = query<{ after: number; limit: number }, AccountedRow>(
  'accounted dispositions',
  `SELECT d.number, d.disposition_id, d.evidence_ref, d.refs_digest, p.payload
   FROM disposition d LEFT JOIN record r ON r.ref = d.evidence_ref AND r.kind = 'governance-fact'
   LEFT JOIN record_payload p ON p.leaf_index = r.leaf_index WHERE d.number > :after ORDER BY d.number LIMIT :limit`,
);
export const refsOfDisposition = query<{ disposition_id: string }, { ref: string | null }>(
  'refs of disposition',
  `SELECT r.ref FROM disposition_item i LEFT JOIN record r ON r.leaf_index = i.leaf_index
   WHERE i.disposition_id = :disposition_id ORDER BY i.leaf_index`,
);
