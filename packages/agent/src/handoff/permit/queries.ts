import { listed, type Query, query } from '../../db/index.ts';
import type { PermitRow } from '../birth-admission.ts';

/** Permits that the evidence log does not know of yet, by id; null where the birth tables are other software's. */
export type UnrecordedPermits = ((params: { after: string; limit: number }) => Query<PermitRow>) | null;

/** `table` is the permits of the embedded births, as the read port reaches them. */
export function unrecordedPermits(table: string): NonNullable<UnrecordedPermits> {
  return query<{ after: string; limit: number }, PermitRow>(
    'permits without a record',
    `SELECT p.* FROM ${table} p WHERE p.permit_id > :after
       AND NOT EXISTS (SELECT 1 FROM birth_permit_record r WHERE r.permit_id = p.permit_id) ORDER BY p.permit_id LIMIT :limit`,
  );
}

export const permitRecords = query<{ permits: string }, { permit_id: string; evidence_ref: string }>(
  'records of permits',
  listed('permits', (ids) => `SELECT permit_id, evidence_ref FROM birth_permit_record WHERE permit_id IN (${ids})`),
);
