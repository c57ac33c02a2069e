import { opaque, query } from '../db/index.ts';

export type CapabilityRow = {
  jti: string;
  ref: string;
  tenant_id: string;
  dataset_id: string | null;
  actor_id: string;
  resolution_ref: string;
  issued_at: string;
  expires_at: string;
  revoked_at: string | null;
  revoked_by: string | null;
  /** Null until the first GET. */
  used_at: string | null;
  resumed: number | null;
};

const columns = `c.jti, c.ref, c.tenant_id, c.dataset_id, c.actor_id, c.resolution_ref, c.issued_at, c.expires_at, c.revoked_at, c.revoked_by,
   u.used_at, u.resumed FROM capability c LEFT JOIN capability_use u ON u.jti = c.jti`;

export const capabilityByJti = query<{ jti: string }, CapabilityRow>(
  'capability by jti',
  `SELECT ${columns} WHERE c.jti = ${opaque('jti')}`,
);

/** Newest first; as many as a person can look at. */
export const capabilities = query<{ ref: string | null; actor_id: string | null; after: string }, CapabilityRow>(
  'capabilities',
  `SELECT ${columns} WHERE c.expires_at > :after AND (:ref IS NULL OR c.ref = :ref) AND (:actor_id IS NULL OR c.actor_id = :actor_id)
   ORDER BY c.issued_at DESC, c.jti LIMIT 1000`,
);

export const liveCapabilities = query<
  { jti: string | null; ref: string | null; actor_id: string | null; now: string },
  Pick<CapabilityRow, 'jti' | 'tenant_id' | 'dataset_id'>
>(
  'live capabilities',
  `SELECT jti, tenant_id, dataset_id FROM capability WHERE expires_at > :now AND revoked_at IS NULL AND (:jti IS NULL OR jti = :jti)
     AND (:ref IS NULL OR ref = :ref) AND (:actor_id IS NULL OR actor_id = :actor_id) ORDER BY jti`,
);
