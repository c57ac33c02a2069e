import { Problem } from '@govctl/core/api';
import type { EventDraft } from '@govctl/core/event';
import { type CapabilityClaims, digestOf, draftRecord, parseStatement, type RecordDraft, subjectOf } from '@govctl/core/evidence';
import { type Actor, sourceTypeOf } from '@govctl/core/identity';
import type { AccessDependencies } from './access.ts';
import type { RecordRow } from './queries.ts';

type Outcome = Pick<ResolutionPredicate, 'outcome' | 'reason' | 'digest' | 'length' | 'jti' | 'expires_at' | 'cnf'>;
type ResolutionPredicate = Parameters<typeof draftRecord<'ref-resolution'>>[0]['predicate'];
/** Whose record it is. */
export type Owner = Pick<RecordRow, 'tenant_id' | 'dataset_id'>;

export type Denial = {
  readonly actor: Pick<Actor, 'actor_id' | 'authenticated_by'>;
  readonly ref: string;
  readonly owner: Owner;
  readonly reason: string;
  /** Of the capability that was refused; null where none was made. */
  readonly jti: string | null;
  readonly request_id: string;
  readonly now: string;
};

/** Records a refusal, as often as the actor's share allows; what is left out is counted in the next one. */
export async function recordDenial(
  deps: Pick<AccessDependencies, 'journal' | 'denials' | 'deployment' | 'randomHex' | 'logger' | 'counted'>,
  { actor, ref, owner, reason, jti, request_id, now }: Denial,
): Promise<void> {
  // Whoever holds a URL of somebody's must not use up what is kept for that somebody's own refusals.
  const share = deps.denials.take(jti === null ? actor.actor_id : `holder of ${actor.actor_id}`, Date.parse(now));
  if (jti === null) {
    const { actor_id, authenticated_by } = actor;
    deps.logger.warn({ request_id, actor: actor_id, authenticated_by, ref, outcome: 'denied' }, 'evidence refused');
    deps.counted('denied');
  }
  if (!share.granted) {
    throw new Problem('too-many-requests', {
      detail: `${actor.actor_id} was refused too often`,
      hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action evidence.read`,
      retryAfterSeconds: share.retryAfterSeconds,
    });
  }
  const more = share.unrecorded === 0 ? '' : ` (${share.unrecorded} more refusals before this one were not recorded)`;
  const outcome = { outcome: 'deny', reason: `${reason}${more}`, digest: null, length: null, jti, expires_at: null } as const;
  const draft = resolutionDraft(deps, actor, ref, owner, outcome, request_id, now);
  const events = [resolutionEvent(deps, actor, ref, owner, 'deny', draft)];
  await deps.journal.commit({ label: 'evidence.deny', changes: [], records: [draft], events });
}

/** What others hear of a resolution, for whoever may see what it is about. Nothing of the capability is in it. */
export function resolutionEvent(
  { deployment }: Pick<AccessDependencies, 'deployment'>,
  { actor_id }: Pick<Actor, 'actor_id'>,
  ref: string,
  { tenant_id, dataset_id }: Owner,
  outcome: Outcome['outcome'],
  resolution: Pick<RecordDraft, 'ref' | 'recorded_at'>,
): EventDraft {
  return {
    type: 'evidence.ref.resolved',
    subject: `evidence/${ref}`,
    time: resolution.recorded_at,
    tenant_id,
    dataset_id,
    layer: null,
    run_id: null,
    environment: deployment.environment,
    data: { evidence_ref: ref, outcome, actor_id, resolution_ref: resolution.ref },
  };
}

/** Belongs to the tenant and dataset of what was asked for, so that its owner sees who read it; it is no part of the run. */
export function resolutionDraft(
  deps: Pick<AccessDependencies, 'deployment' | 'randomHex'>,
  actor: Pick<Actor, 'actor_id' | 'authenticated_by'>,
  ref: string,
  owner: Owner,
  outcome: Outcome,
  request_id: string,
  recorded_at: string,
): RecordDraft {
  return draftRecord({
    kind: 'ref-resolution',
    subject: [subjectOf('evidence', ref)],
    predicate: {
      environment: deps.deployment.environment,
      service_release_id: deps.deployment.service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt: deps.randomHex(16),
      previous: null,
      ref,
      outcome: outcome.outcome,
      reason: outcome.reason,
      request_id,
      digest: outcome.digest,
      length: outcome.length,
      jti: outcome.jti,
      expires_at: outcome.expires_at,
      ...(outcome.cnf === undefined ? {} : { cnf: outcome.cnf }),
    },
    run_id: null,
    tenant_id: owner.tenant_id,
    dataset_id: owner.dataset_id,
    recorded_at,
  });
}

/** Who asked, from the committed resolution; undefined when it is not the one this capability came from. */
export function askerOf(resolution: RecordRow, claims: Pick<CapabilityClaims, 'ref' | 'jti' | 'sub' | 'dig' | 'cnf'>): Actor | undefined {
  if (resolution.payload === null || digestOf(resolution.payload) !== resolution.ref) return undefined;
  const parsed = parseStatement(JSON.parse(Buffer.from(resolution.payload).toString('utf8')));
  if (!parsed.ok || parsed.statement.kind !== 'ref-resolution') return undefined;
  const { actor, ref, jti, outcome, digest, cnf } = parsed.statement.predicate;
  // One that was made for a certificate opens nothing without it. Records of earlier releases do not say.
  if (cnf !== undefined && cnf['x5t#S256'] !== claims.cnf?.['x5t#S256']) return undefined;
  if (outcome !== 'allow' || ref !== claims.ref || jti !== claims.jti || digest !== claims.dig || actor.actor_id !== claims.sub)
    return undefined;
  return {
    actor_id: actor.actor_id,
    source_type: sourceTypeOf(actor.actor_id),
    authenticated_by: actor.authenticated_by,
    grants: [],
  };
}
