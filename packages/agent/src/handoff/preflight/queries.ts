import { query } from '../../db/index.ts';

export type LockRow = { lock: string; holder: string; since: string | null };

/** Datasets of an object: the one of its name, and those whose contract in force says that they are made of it. */
const ofObject = (handoffObject: string) => `SELECT c.tenant_id, c.dataset_id FROM contract c
    WHERE c.version = (SELECT max(m.version) FROM contract m WHERE m.contract_id = c.contract_id) AND ${handoffObject} = :object_key`;

const locks = (handoffObject: string) => `WITH named AS (${ofObject(handoffObject)})
  SELECT 'lock:' || l.lock_key AS lock, l.holder, l.acquired_at AS since FROM lock l
    WHERE l.holder IS NOT NULL AND (l.expires_at IS NULL OR l.expires_at > :now)
      AND (EXISTS (SELECT 1 FROM named d WHERE substr(l.lock_key, 1, length('dataset/' || d.tenant_id || '/' || d.dataset_id || '/')) = 'dataset/' || d.tenant_id || '/' || d.dataset_id || '/')
        OR l.lock_key LIKE 'dataset/%' AND EXISTS (SELECT 1 FROM dataset d WHERE d.dataset_id = :object_key
          AND substr(l.lock_key, 1, length('dataset/' || d.tenant_id || '/' || d.dataset_id || '/')) = 'dataset/' || d.tenant_id || '/' || d.dataset_id || '/'))
  UNION ALL
  SELECT 'hold:' || h.hold_id AS lock, h.placed_by AS holder, h.placed_at AS since FROM hold h
    WHERE h.lifted_at IS NULL AND (h.dataset_id = :object_key
      OR EXISTS (SELECT 1 FROM named d WHERE d.tenant_id = h.tenant_id AND d.dataset_id = h.dataset_id))
  ORDER BY 1`;

/** What holds an object: locks of runs that have not expired, and open holds. */
export const objectLocks = query<{ object_key: string; now: string }, LockRow>('locks of an object', {
  sqlite: locks("json_extract(c.body, '$.handoff_object')"),
  postgres: locks("(CAST(c.body AS json) ->> 'handoff_object')"),
});

export const quarantineOfObject = query<{ object_key: string }, { quarantined_rows: number }>(
  'quarantine of an object',
  'SELECT count(*) AS quarantined_rows FROM handoff_quarantine WHERE resolved_at IS NULL AND object_key = :object_key',
);
