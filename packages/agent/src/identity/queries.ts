import { query } from '../db/index.ts';

/** A key without its hash: what may be shown. */
export type ApiKeyListRow = {
  key_id: string;
  actor_id: string;
  grants: string;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  revoked_at: string | null;
  revoked_by: string | null;
};

const columns = 'key_id, actor_id, grants, created_at, created_by, expires_at, revoked_at, revoked_by';

export const apiKeys = query<Record<string, never>, ApiKeyListRow>(
  'api keys',
  `SELECT ${columns} FROM api_key ORDER BY created_at, key_id`,
);

export const apiKeyById = query<{ key_id: string }, ApiKeyListRow>(
  'api key to show',
  `SELECT ${columns} FROM api_key WHERE key_id = :key_id`,
);
