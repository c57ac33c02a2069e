import { listed, opaque, type Query, query, type SqlText } from '../db/index.ts';
import type { Scope } from './reconcile-scope.ts';

/** What is looked at of a run. Of one that is not of the scope the state is not read: it is most of the row. */
export type RunToAudit = {
  run_id: string;
  kind: string;
  tenant_id: string;
  dataset_id: string;
  to_layer: string | null;
  phase: string;
  status: string;
  created_at: string;
  updated_at: string;
  state: string | null;
  /** The decision it names and that is not in the log. */
  lacks: string | null;
};
const runText = (where: string) =>
  `SELECT r.run_id, r.kind, r.tenant_id, r.dataset_id, r.to_layer, r.phase, r.status, r.created_at, r.updated_at,
          CASE WHEN r.updated_at >= :since OR :since IS NULL OR r.phase NOT IN ('COMPLETED', 'FAILED') THEN r.state END AS state,
          CASE WHEN r.decision_ref IS NOT NULL AND d.ref IS NULL THEN r.decision_ref END AS lacks
   FROM run r LEFT JOIN record d ON d.ref = r.decision_ref
   WHERE ${where}`;
type Since = { since: string | null };
const runPage = query<Since & { after: string; limit: number }, RunToAudit>(
  'runs to audit',
  runText(`r.run_id > ${opaque('after')} ORDER BY r.run_id LIMIT :limit`),
);
const runAlone = query<Since & { run_id: string }, RunToAudit>('run to audit', runText('r.run_id = :run_id'));

export function runsToAudit({ run_id, since }: Scope): (last: RunToAudit | null, limit: number) => Query<RunToAudit> {
  return (last, limit) => (run_id === null ? runPage({ since, after: last?.run_id ?? '', limit }) : runAlone({ since, run_id }));
}

/** A pointer with what it names: `lacks` says which record is not in the log. */
export type PointerToCheck = {
  tenant_id: string;
  dataset_id: string;
  layer: string;
  generation: number;
  run_id: string;
  moved_at: string;
  snapshot_id: string;
  snapshot_hash: string;
  lacks: 'decision' | 'promotion' | null;
  /** 1: no later one stands in its place. */
  active: number;
  quarantined_at: string | null;
};
const pointerText = (from: string, where: string) =>
  `SELECT p.tenant_id, p.dataset_id, p.layer, p.generation, p.run_id, p.moved_at, p.snapshot_id, p.snapshot_hash, s.quarantined_at,
          CASE WHEN d.ref IS NULL THEN 'decision' WHEN e.ref IS NULL THEN 'promotion' END AS lacks,
          CASE WHEN EXISTS (SELECT 1 FROM pointer q WHERE q.tenant_id = p.tenant_id AND q.dataset_id = p.dataset_id AND q.layer = p.layer
                              AND q.generation > p.generation) THEN 0 ELSE 1 END AS active
   FROM ${from}
   LEFT JOIN run r ON r.run_id = p.run_id
   LEFT JOIN record d ON d.ref = p.decision_ref AND d.kind = 'decision'
   LEFT JOIN record e ON e.ref = r.evidence_ref AND e.kind = 'promotion' AND e.run_id = p.run_id
   LEFT JOIN snapshot s ON s.snapshot_id = p.snapshot_id
   WHERE ${where}`;
const pointerPage = query<{ tenant_id: string; dataset_id: string; layer: string; generation: number; limit: number }, PointerToCheck>(
  'pointers to check',
  pointerText(
    'pointer p',
    `(p.tenant_id, p.dataset_id, p.layer, p.generation) > (:tenant_id, :dataset_id, :layer, :generation)
   ORDER BY p.tenant_id, p.dataset_id, p.layer, p.generation LIMIT :limit`,
  ),
);
const pointersOfRun = query<{ run_id: string; generation: number; limit: number }, PointerToCheck>(
  'pointers of run to check',
  pointerText(
    'run o JOIN pointer p ON p.tenant_id = o.tenant_id AND p.dataset_id = o.dataset_id AND p.layer = o.to_layer AND p.run_id = o.run_id',
    'o.run_id = :run_id AND p.generation > :generation ORDER BY p.generation LIMIT :limit',
  ),
);
const beforeAll = { tenant_id: '', dataset_id: '', layer: '', generation: 0 };

export function pointersToCheck({ run_id }: Scope): (last: PointerToCheck | null, limit: number) => Query<PointerToCheck> {
  return (last, limit) => {
    const { tenant_id, dataset_id, layer, generation } = last ?? beforeAll;
    if (run_id !== null) return pointersOfRun({ run_id, generation, limit });
    return pointerPage({ tenant_id, dataset_id, layer, generation, limit });
  };
}

/** A record with the run it belongs to. */
export type LeafToCheck = {
  leaf_index: number;
  ref: string;
  kind: string;
  run_id: string | null;
  tenant_id: string;
  dataset_id: string | null;
  recorded_at: string;
  /** 1: the run it names is not there. */
  of_nobody: number;
  /** 1: a promotion whose pointer is not where its run says; `unmovedOf` looks everywhere. */
  suspect: number;
};
/**
 * Where the run says its pointer is: the key of it, so that no history of a dataset is searched. A state that was damaged says nothing, and
 * ends no statement (before version 16, PostgreSQL cannot be asked whether a text is JSON).
 */
const generationOf = {
  sqlite: `CASE WHEN e.kind = 'promotion' AND json_valid(r.state) THEN json_extract(r.state, '$.active.generation') END`,
  postgres: String.raw`CASE WHEN e.kind = 'promotion' THEN CAST(substring(r.state FROM '"active":\{[^{}]*"generation":(\d{1,15})[,}]') AS bigint) END`,
};
const leafText = (generation: string, where: string) =>
  `SELECT e.leaf_index, e.ref, e.kind, e.run_id, e.tenant_id, e.dataset_id, e.recorded_at,
          CASE WHEN e.run_id IS NOT NULL AND r.run_id IS NULL THEN 1 ELSE 0 END AS of_nobody,
          CASE WHEN e.kind = 'promotion' AND p.run_id IS NULL THEN 1 ELSE 0 END AS suspect
   FROM record e LEFT JOIN run r ON r.run_id = e.run_id
   LEFT JOIN pointer p ON e.kind = 'promotion' AND r.evidence_ref = e.ref AND p.tenant_id = r.tenant_id AND p.dataset_id = r.dataset_id
     AND p.layer = r.to_layer AND p.generation = ${generation} AND p.run_id = r.run_id
   WHERE ${where}`;
const forBoth = (where: string): SqlText => ({
  sqlite: leafText(generationOf.sqlite, where),
  postgres: leafText(generationOf.postgres, where),
});
const leafPage = query<{ after: number; limit: number }, LeafToCheck>(
  'leaves to check',
  forBoth('e.leaf_index > :after ORDER BY e.leaf_index LIMIT :limit'),
);
const leavesOfRun = query<{ run_id: string; after: number; limit: number }, LeafToCheck>(
  'leaves of run to check',
  forBoth('e.run_id = :run_id AND e.leaf_index > :after ORDER BY e.leaf_index LIMIT :limit'),
);

export function leavesToCheck({ run_id }: Scope): (last: LeafToCheck | null, limit: number) => Query<LeafToCheck> {
  return (last, limit) => {
    const page = { after: last?.leaf_index ?? -1, limit };
    return run_id === null ? leafPage(page) : leavesOfRun({ run_id, ...page });
  };
}

/** Of these promotion records those whose pointer move is nowhere; `refs` is a JSON array. */
export const unmovedOf = query<{ refs: string }, { ref: string }>(
  'promotions without pointer',
  listed(
    'refs',
    (refs) => `SELECT e.ref FROM record e WHERE e.ref IN (${refs})
     AND NOT EXISTS (SELECT 1 FROM run r JOIN pointer p ON p.tenant_id = r.tenant_id AND p.dataset_id = r.dataset_id AND p.layer = r.to_layer AND p.run_id = r.run_id
                     WHERE r.run_id = e.run_id AND r.evidence_ref = e.ref)`,
  ),
);

/** An incident of a run. */
export type IncidentToCheck = {
  incident_id: string;
  run_id: string;
  tenant_id: string;
  dataset_id: string | null;
  opened_at: string;
  of_nobody: number;
};
const incidentText = (where: string) =>
  `SELECT i.incident_id, coalesce(i.run_id, '') AS run_id, i.tenant_id, i.dataset_id, i.opened_at,
          CASE WHEN i.run_id IS NOT NULL AND r.run_id IS NULL THEN 1 ELSE 0 END AS of_nobody
   FROM incident i LEFT JOIN run r ON r.run_id = i.run_id
   WHERE ${where}`;
const incidentPage = query<{ after: string; limit: number }, IncidentToCheck>(
  'incidents to check',
  incidentText(`i.incident_id > ${opaque('after')} ORDER BY i.incident_id LIMIT :limit`),
);
const incidentsOfRun = query<{ run_id: string; after: string; limit: number }, IncidentToCheck>(
  'incidents of run to check',
  incidentText(`i.run_id = :run_id AND i.incident_id > ${opaque('after')} ORDER BY i.incident_id LIMIT :limit`),
);

export function incidentsToCheck({ run_id }: Scope): (last: IncidentToCheck | null, limit: number) => Query<IncidentToCheck> {
  return (last, limit) => {
    const page = { after: last?.incident_id ?? '', limit };
    return run_id === null ? incidentPage(page) : incidentsOfRun({ run_id, ...page });
  };
}
