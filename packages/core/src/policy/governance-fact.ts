import type { Predicate } from '../evidence/predicate.ts';
import { draftRecord, type RecordDraft, type Subject } from '../evidence/statement.ts';
import type { Actor } from '../identity/actor.ts';

/** Who changes what decisions are made from, where and when. */
export type GovernanceContext = {
  readonly actor: Pick<Actor, 'actor_id' | 'authenticated_by'>;
  readonly environment: string;
  readonly service_release_id: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** 128 random bits in hex. */
  readonly salt: string;
};

type Fact = {
  /** `contract.apply`: noun and verb of what changed. */
  readonly fact: string;
  readonly subject: string;
  /** Digest of what is stored; one of `about` carries it. */
  readonly digest: string;
  readonly about: readonly [Subject, ...Subject[]];
  readonly reason?: string;
  readonly detail: Predicate<'governance-fact'>['detail'];
  readonly tenant_id: string;
  readonly dataset_id: string | null;
};

/** The record that a change of governance carries in its unit. */
export function governanceFact(context: GovernanceContext, what: Fact): RecordDraft {
  return draftRecord({
    kind: 'governance-fact',
    subject: what.about,
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: context.actor.actor_id, authenticated_by: context.actor.authenticated_by },
      salt: context.salt,
      previous: null,
      fact: what.fact,
      subject: what.subject,
      digest: what.digest,
      reason: what.reason ?? null,
      detail: what.detail,
    },
    run_id: null,
    tenant_id: what.tenant_id,
    dataset_id: what.dataset_id,
    recorded_at: context.at,
  });
}
