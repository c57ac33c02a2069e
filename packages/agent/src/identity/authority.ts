import type { Actor, Grant } from '@govctl/core/identity';
import { type Database, query } from '../db/index.ts';

/** What an actor of the past may do now: a deferred run is asked again on behalf of whoever asked first. */
export type Authority = { current(actor: Actor, now: string): Promise<Actor> };

const keyGrants = query<{ key_id: string; now: string }, { grants: string }>(
  'grants of a live key',
  'SELECT grants FROM api_key WHERE key_id = :key_id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)',
);

export function currentAuthority(database: Database): Authority {
  return {
    async current(actor, now) {
      const keyId = actor.authenticated_by.replace(/^api-key:/, '');
      const [[row]] = await database.read([keyGrants({ key_id: keyId, now })]);
      return { ...actor, grants: row === undefined ? [] : (JSON.parse(row.grants) as Grant[]) };
    },
  };
}
