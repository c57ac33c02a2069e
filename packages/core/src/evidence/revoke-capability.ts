import type { Actor } from '../identity/actor.ts';
import type { Unit } from '../journal/unit.ts';
import { jcsDigest } from './jcs.ts';
import { draftRecord, subjectOf } from './statement.ts';

/** What signed URLs are taken back by: one of them, all of an actor, all of a record. */
export type RevocationTarget =
  | { readonly by: 'jti'; readonly value: string }
  | { readonly by: 'actor'; readonly value: string }
  | { readonly by: 'ref'; readonly value: string };

export type Revocation = {
  readonly target: RevocationTarget;
  /** The capabilities it ends; at least one. */
  readonly jtis: readonly string[];
  readonly reason: string;
  /** Whose evidence they open, where it is one owner's. */
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly actor: Pick<Actor, 'actor_id' | 'authenticated_by'>;
  readonly environment: string;
  readonly service_release_id: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** 128 random bits in hex. */
  readonly salt: string;
};

const subjectNames = { jti: 'capability', actor: 'actor', ref: 'evidence' } as const;
/** A record names so many; `count` says how many there were. */
const namedAtMost = 256;

/** Ends capabilities that were minted already, and says so on record; both or neither. */
export function revokeCapabilities(revocation: Revocation): Unit {
  const { target, jtis, at } = revocation;
  const detail = { by: target.by, value: target.value, count: jtis.length, jtis: jtis.slice(0, namedAtMost) };
  const digest = jcsDigest(detail);
  const subject = `${subjectNames[target.by]}/${target.value}`;
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(subject, digest)],
    predicate: {
      environment: revocation.environment,
      service_release_id: revocation.service_release_id,
      actor: { actor_id: revocation.actor.actor_id, authenticated_by: revocation.actor.authenticated_by },
      salt: revocation.salt,
      previous: null,
      fact: 'capability.revoke',
      subject,
      digest,
      reason: revocation.reason,
      detail,
    },
    run_id: null,
    tenant_id: revocation.tenant_id,
    dataset_id: revocation.dataset_id,
    recorded_at: at,
  });
  const values = { jtis: JSON.stringify(jtis), revoked_at: at, revoked_by: revocation.actor.actor_id };
  return { label: 'capability.revoke', changes: [{ write: 'capability.revoke', values }], records: [record], events: [] };
}
