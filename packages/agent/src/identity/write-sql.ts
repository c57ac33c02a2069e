import type { IdentityWrites } from '@govctl/core/identity';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of API keys. */
export const identityWriteSql: Record<keyof IdentityWrites, WriteSql> = {
  'api-key.insert': {
    sql: `INSERT INTO api_key (key_id, actor_id, secret_hash, grants, created_at, created_by, expires_at)
          VALUES (:key_id, :actor_id, :secret_hash, :grants, :created_at, :created_by, :expires_at)`,
    changes: 1,
    guard: 'key-is-new',
  },
  'api-key.revoke': {
    sql: 'UPDATE api_key SET revoked_at = :revoked_at, revoked_by = :revoked_by WHERE key_id = :key_id AND revoked_at IS NULL',
    changes: 1,
    guard: 'key-not-revoked',
  },
};
