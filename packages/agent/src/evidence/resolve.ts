import { type accessRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { mintCapability } from '@govctl/core/evidence';
import type { Change } from '@govctl/core/journal';
import type { Handlers } from '../http/index.ts';
import { type AccessDependencies, audienceOf } from './access.ts';
import { noGrant } from './access-problem.ts';
import { digestOfSource, evidenceSource, recordByPieces } from './evidence-bytes.ts';
import { mayAccess } from './grant.ts';
import { recordDenial, resolutionDraft, resolutionEvent } from './resolution.ts';

/** Long after no verifier accepts it, also when the clock is set back a little. */
const forgetAfterMs = 3_600_000;
const forgetEveryMs = 60_000;

/** Authorises, records, commits, and only then makes the URL. */
export function resolveHandler(deps: AccessDependencies): Pick<Handlers<typeof accessRoutes>, 'evidence.resolve'> {
  const { database, journal, capability, logger } = deps;
  let forgot = Number.NEGATIVE_INFINITY;

  /** Now and then, with a unit that is written anyway. */
  const forgetting = (now: string): Change[] => {
    const at = Date.parse(now);
    if (Math.abs(at - forgot) < forgetEveryMs) return [];
    forgot = at;
    const values = { before: new Date(at - forgetAfterMs).toISOString() };
    return [
      { write: 'capability.forget', values },
      { write: 'capability-use.forget', values },
    ];
  };

  return {
    async 'evidence.resolve'({ params: { ref }, body, actor, request_id, now, confirmation }) {
      const [[record]] = await database.read([recordByPieces({ ref })]);
      if (record === undefined) throw new Problem('not-found', { detail: `the log has no record ${ref}`, hint: 'govctl evidence ls' });
      if (!mayAccess(actor, 'evidence.read', record)) {
        const refused = noGrant(actor, record);
        await recordDenial(deps, { actor, ref, owner: record, reason: refused.message, jti: null, request_id, now });
        throw refused;
      }
      const holder = holderOf(body.cnf?.['x5t#S256'], confirmation, capability.bindable);
      const source = await evidenceSource(database, record, deps.checkpointOf);
      const digest = await digestOfSource(source);
      const ttl = body.ttl_seconds ?? capability.ttl();
      const jti = deps.randomHex(16);
      const issued = new Date(now);
      const exp = Math.floor(issued.getTime() / 1000) + ttl;
      const expires_at = new Date(exp * 1000).toISOString();
      // Whose it is stands in the record and in the URL alike.
      const bound = holder === undefined ? {} : { cnf: { 'x5t#S256': holder } };
      const outcome = { outcome: 'allow', reason: 'granted', digest, length: source.length, jti, expires_at, ...bound } as const;
      const resolution = resolutionDraft(deps, actor, ref, record, outcome, request_id, now);
      const { tenant_id, dataset_id } = record;
      const issue = {
        jti,
        ref,
        tenant_id,
        dataset_id,
        actor_id: actor.actor_id,
        resolution_ref: resolution.ref,
        issued_at: now,
        expires_at,
      };
      // Committed before the capability exists: nobody can read what is not on record as read.
      const result = await journal.commit({
        label: 'evidence.resolve',
        changes: [{ write: 'capability.issue', values: issue }, ...forgetting(now)],
        records: [resolution],
        events: [resolutionEvent(deps, actor, ref, record, 'allow', resolution)],
      });
      if (!result.ok) throw new Problem('conflict', { detail: 'another URL got the same id at the same time', hint: 'try again' });
      const { token, claims } = await mintCapability(
        {
          iss: capability.issuer,
          aud: audienceOf(deps),
          sub: actor.actor_id,
          ref,
          dig: digest,
          len: source.length,
          jti,
          rid: resolution.ref,
          ttl,
          ...bound,
        },
        capability.signer,
        issued,
      );
      const by = { actor: actor.actor_id, authenticated_by: actor.authenticated_by };
      logger.info(
        { request_id, ...by, ref, digest, jti, bound: holder, resolution_ref: resolution.ref, outcome: 'resolved' },
        'evidence resolved',
      );
      deps.counted('resolved');
      return {
        schemaVersion,
        kind: 'RefResolution' as const,
        ref,
        url: `${capability.public_url()}/v1/evidence/fetch?cap=${token}`,
        dig: digest,
        len: source.length,
        exp: claims.exp,
        expires_at,
        jti,
        resolution_ref: resolution.ref,
      };
    },
  };
}

/** Whose certificate opens the URL. Whoever asks with one is its only holder; whoever asks without may say for whom it is. */
function holderOf(wanted: string | undefined, confirmation: string | undefined, bindable: boolean): string | undefined {
  if (wanted === undefined || wanted === confirmation) return confirmation;
  if (confirmation !== undefined)
    throw new Problem('forbidden', { detail: 'whoever asks with a client certificate gets URLs for that certificate only' });
  if (!bindable)
    throw new Problem('unprocessable', {
      detail: 'no client certificate is asked for where signed URLs are opened, so nobody could open one that is bound to it',
      hint: 'set listeners.fetch.tls.client_ca_file in govd.yaml, and restart govd',
    });
  return wanted;
}
