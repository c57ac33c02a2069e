import { jcsDigest } from '../evidence/jcs.ts';
import { draftRecord, subjectOf } from '../evidence/statement.ts';
import type { Change } from '../journal/change.ts';
import type { Unit } from '../journal/unit.ts';
import type { Actor, Grant } from './actor.ts';

/** Who changes a key, where and when. */
export type IdentityContext = {
  readonly actor: Pick<Actor, 'actor_id' | 'authenticated_by'>;
  readonly environment: string;
  readonly service_release_id: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** 128 random bits in hex. */
  readonly salt: string;
};

type KeyDetail = {
  readonly key_id: string;
  readonly actor_id: string;
  readonly expires_at: string | null;
  readonly grants: readonly Grant[];
};

/** A key and the record of it, or neither. The record names the credential, never its secret nor the hash of it. */
function unit(context: IdentityContext, fact: string, change: Change, key: KeyDetail, reason: string | null): Unit {
  const { key_id, actor_id, expires_at } = key;
  const detail = {
    key_id,
    actor_id,
    expires_at,
    grants: key.grants.map(({ actions, tenants, datasets }) => ({ actions, tenants, datasets })),
  };
  const digest = jcsDigest(detail);
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(`apikey/${key_id}`, digest)],
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: context.actor.actor_id, authenticated_by: context.actor.authenticated_by },
      salt: context.salt,
      previous: null,
      fact,
      subject: `apikey/${key_id}`,
      digest,
      reason,
      detail,
    },
    run_id: null,
    tenant_id: 'default',
    dataset_id: null,
    recorded_at: context.at,
  });
  return { label: fact, changes: [change], records: [record], events: [] };
}

/** Issues a key. `secret_hash` is the SHA-256 of a 256-bit random secret, in hex. */
export function issueApiKey(context: IdentityContext, key: KeyDetail & { readonly secret_hash: string }): Unit {
  const values = {
    key_id: key.key_id,
    actor_id: key.actor_id,
    secret_hash: key.secret_hash,
    grants: JSON.stringify(key.grants),
    created_at: context.at,
    created_by: context.actor.actor_id,
    expires_at: key.expires_at,
  };
  return unit(context, 'apikey.add', { write: 'api-key.insert', values }, key, null);
}

/** Takes a key back, for ever. */
export function revokeApiKey(context: IdentityContext, key: KeyDetail, reason: string): Unit {
  const values = { key_id: key.key_id, revoked_at: context.at, revoked_by: context.actor.actor_id };
  return unit(context, 'apikey.revoke', { write: 'api-key.revoke', values }, key, reason);
}
