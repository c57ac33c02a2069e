import { type identityRoutes, Problem, schemaVersion } from '@govctl/core/api';
import {
  coversGrants,
  type Grant,
  grantSchema,
  type IdentityContext,
  issueApiKey,
  revokeApiKey,
  sourceTypeOf,
} from '@govctl/core/identity';
import { z } from 'zod';
import type { Database } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import type { Journal } from '../journal/index.ts';
import { requireKnownActions } from './action.ts';
import { hashSecret } from './authenticate.ts';
import { type ApiKeyListRow, apiKeyById, apiKeys } from './queries.ts';

export type IdentityDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  /** So many random bytes, in hex. */
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
};

const grantsSchema = z.array(grantSchema);

/** Issues, lists and takes back API keys. */
export function identityHandlers(deps: IdentityDependencies): Handlers<typeof identityRoutes> {
  const { database, journal, randomHex } = deps;
  const contextOf = (actor: IdentityContext['actor'], at: string): IdentityContext => ({
    actor,
    ...deps.deployment,
    at,
    salt: randomHex(16),
  });

  return {
    async 'apikey.add'({ body, actor, now }) {
      requireKnownActions(body.grants.flatMap(({ actions }) => actions));
      // Nobody grants more than they have: otherwise one grant would be all of them.
      if (!coversGrants(actor.grants, body.grants)) {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} cannot grant what it does not have itself`,
          hint: 'ask for fewer actions, tenants or datasets; what each key has: govctl apikey ls',
        });
      }
      // Some acts are for people only; a program that could name itself one would be above that.
      if (actor.source_type === 'SYSTEM' && sourceTypeOf(body.actor_id) === 'HUMAN') {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} is a program and cannot issue keys for people`,
          hint: 'a person who may issue keys has to do this',
        });
      }
      const expires_at = body.expires_at === undefined ? null : new Date(body.expires_at).toISOString();
      if (expires_at !== null && expires_at <= now) {
        throw new Problem('unprocessable', { detail: `expires_at ${expires_at} is in the past`, hint: 'give a later time, or none' });
      }
      const key_id = randomHex(6);
      const secret = Buffer.from(randomHex(32), 'hex').toString('base64url');
      const key = { key_id, actor_id: body.actor_id, grants: body.grants, expires_at };
      const at = deps.now();
      const result = await journal.commit(issueApiKey(contextOf(actor, at), { ...key, secret_hash: hashSecret(secret) }));
      if (!result.ok) throw new Problem('conflict', { detail: 'another key got the same id at the same time', hint: 'try again' });
      return {
        schemaVersion,
        kind: 'IssuedApiKey' as const,
        ...key,
        created_at: at,
        created_by: actor.actor_id,
        revoked_at: null,
        revoked_by: null,
        evidence_ref: result.committed.records[0]?.ref ?? '',
        secret: `govk_${key_id}_${secret}`,
      };
    },

    async 'apikey.ls'({ query }) {
      const [rows] = await database.read([apiKeys({})]);
      const wanted = rows.filter(
        (row) => (query.all === 'true' || row.revoked_at === null) && (query.actor_id === undefined || row.actor_id === query.actor_id),
      );
      return { schemaVersion, kind: 'ApiKeyList' as const, items: wanted.map(keyOf) };
    },

    async 'apikey.revoke'({ params, body, actor }) {
      const [[row]] = await database.read([apiKeyById({ key_id: params.key_id })]);
      if (row === undefined) throw new Problem('not-found', { detail: `no API key ${params.key_id}`, hint: 'govctl apikey ls' });
      const key = keyOf(row);
      if (!coversGrants(actor.grants, key.grants)) {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} cannot take back a key that may do what it may not do itself`,
          hint: 'ask whoever may do all of it; what each key has: govctl apikey ls',
        });
      }
      // Already taken back is what was asked for; nothing is written twice.
      if (key.revoked_at !== null) return { schemaVersion, kind: 'ApiKey' as const, ...key, evidence_ref: null };
      const at = deps.now();
      const result = await journal.commit(revokeApiKey(contextOf(actor, at), key, body.reason));
      if (!result.ok) {
        const [[current]] = await database.read([apiKeyById({ key_id: params.key_id })]);
        if (current === undefined) throw new Problem('not-found', { detail: `no API key ${params.key_id}` });
        return { schemaVersion, kind: 'ApiKey' as const, ...keyOf(current), evidence_ref: null };
      }
      return {
        schemaVersion,
        kind: 'ApiKey' as const,
        ...key,
        revoked_at: at,
        revoked_by: actor.actor_id,
        evidence_ref: result.committed.records[0]?.ref ?? null,
      };
    },
  };
}

function keyOf(row: ApiKeyListRow) {
  const { grants, ...key } = row;
  return { ...key, grants: grantsSchema.parse(JSON.parse(grants)) satisfies Grant[] };
}
