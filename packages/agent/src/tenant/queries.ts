import { query } from '../db/index.ts';

export type SuspensionRow = {
  suspension_id: string;
  tenant_id: string;
  reason: string;
  suspended_at: string;
  suspended_by: string;
  evidence_ref: string;
  resumed_at: string | null;
  resumed_by: string | null;
  resume_reason: string | null;
};
const columns = 'suspension_id, tenant_id, reason, suspended_at, suspended_by, evidence_ref, resumed_at, resumed_by, resume_reason';

export const openSuspension = query<{ tenant_id: string }, SuspensionRow>(
  'open suspension',
  `SELECT ${columns} FROM tenant_suspension WHERE tenant_id = :tenant_id AND resumed_at IS NULL`,
);
export const suspensions = query<{ tenant_id: string | null; all: number; limit: number }, SuspensionRow>(
  'suspensions',
  `SELECT ${columns} FROM tenant_suspension WHERE (:tenant_id IS NULL OR tenant_id = :tenant_id) AND (:all = 1 OR resumed_at IS NULL)
   ORDER BY suspended_at DESC, suspension_id LIMIT :limit`,
);
