import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from '@govctl/core/api';
import { type Actor, type Grant, sourceTypeOf } from '@govctl/core/identity';
import { type Database, query } from '../db/index.ts';

type ApiKeyRow = {
  key_id: string;
  actor_id: string;
  secret_hash: string;
  grants: string;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  revoked_at: string | null;
};

const keyById = query<{ key_id: string }, ApiKeyRow>(
  'api key by id',
  'SELECT key_id, actor_id, secret_hash, grants, created_at, created_by, expires_at, revoked_at FROM api_key WHERE key_id = :key_id',
);

/** `govk_<key id>_<secret>`: the prefix lets secret scanners find a leaked one. */
const keyPattern = /^govk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export type Authenticator = {
  /** @throws Problem `unauthenticated`: the same one for a missing, unknown, wrong, expired or revoked key. */
  authenticate(authorization: string | undefined, now: string): Promise<Actor>;
};

function refused(): Problem {
  return new Problem('unauthenticated', {
    detail: 'no valid API key came with the request',
    hint: 'point GOVCTL_CONFIG at a configuration whose api_key_file holds a key, or ask an operator for one: govctl apikey add --actor HUMAN::<id> --action ACTION',
  });
}

/** Static API keys of local_parity, stored hashed; a key has 256 random bits, so a plain hash cannot be guessed. */
export function apiKeyAuthenticator(database: Database): Authenticator {
  const parsedGrants = new Map<string, Grant[]>();
  return {
    async authenticate(authorization, now) {
      const match = keyPattern.exec(authorization?.startsWith('Bearer ') === true ? authorization.slice(7) : '');
      if (match === null) throw refused();
      const [keyId = '', secret = ''] = match.slice(1);
      const [[row]] = await database.read([keyById({ key_id: keyId })]);
      // Compared also when the key is unknown, so that both take the same time.
      const given = Buffer.from(hashSecret(secret));
      const equal = timingSafeEqual(given, Buffer.from(row?.secret_hash ?? '0'.repeat(64)));
      if (row === undefined || !equal || row.revoked_at !== null || (row.expires_at !== null && row.expires_at <= now)) throw refused();
      let grants = parsedGrants.get(row.grants);
      if (grants === undefined) {
        grants = JSON.parse(row.grants) as Grant[];
        if (parsedGrants.size > 1000) parsedGrants.clear();
        parsedGrants.set(row.grants, grants);
      }
      return { actor_id: row.actor_id, source_type: sourceTypeOf(row.actor_id), authenticated_by: `api-key:${row.key_id}`, grants };
    },
  };
}
