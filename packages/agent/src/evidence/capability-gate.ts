import { Problem } from '@govctl/core/api';
import { type CapabilityClaims, checkCapability, digestOf } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import type { RequestContext } from '../http/index.ts';
import { type AccessDependencies, type AccessOutcome, audienceOf } from './access.ts';
import { capabilityProblem, noGrant } from './access-problem.ts';
import { type CapabilityRow, capabilityByJti } from './capability-queries.ts';
import { type EvidenceSource, erased, evidenceSource, type PiecewiseRow, recordByPieces } from './evidence-bytes.ts';
import { mayAccess } from './grant.ts';
import { recordWithCover } from './queries.ts';
import { askerOf, recordDenial } from './resolution.ts';

type Context = Pick<RequestContext, 'request_id' | 'now' | 'headers' | 'confirmation'>;

/** A capability that was signed here, what it opens, and who shows it. */
export type Asked = Context & {
  readonly claims: CapabilityClaims;
  readonly record: PiecewiseRow;
  readonly row: CapabilityRow;
};

/** What the log of the daemon says of a capability. */
export function told({ request_id, claims }: Pick<Asked, 'request_id' | 'claims'>) {
  const { sub: actor, jti, ref, dig: digest } = claims;
  return { request_id, actor, authenticated_by: `capability:${jti}`, ref, digest, jti };
}

/** Said, counted, and on record: somebody holds a URL that was made here. */
export async function refuse(deps: AccessDependencies, asked: Asked, outcome: AccessOutcome, problem: Problem): Promise<never> {
  const { claims, record, request_id, now } = asked;
  deps.logger.warn({ ...told(asked), outcome }, 'capability refused');
  deps.counted(outcome);
  const actor = { actor_id: claims.sub, authenticated_by: `capability:${claims.jti}` };
  const what = { actor, ref: claims.ref, owner: record, reason: `${outcome}: ${problem.message}`, jti: claims.jti, request_id, now };
  await recordDenial(deps, what);
  throw problem;
}

/**
 * Everything but whether it was used: is it ours, does it still hold, may its holder still read this?
 * @param known told of what was signed here, before anything is asked of the database
 */
export async function admitted(
  deps: AccessDependencies,
  cap: string,
  context: Context,
  known: (claims: CapabilityClaims) => void = () => {},
): Promise<{ readonly asked: Asked; readonly source: EvidenceSource }> {
  const claims = await signedHere(deps, cap, context);
  known(claims);
  const { asked, asker } = await recorded(deps, claims, context);
  const { record, row } = asked;
  if (claims.cnf !== undefined && claims.cnf['x5t#S256'] !== context.confirmation) {
    const detail = 'the capability is bound to another client certificate';
    return await refuse(deps, asked, 'wrong-holder', new Problem('forbidden', { detail }));
  }
  if (row.revoked_at !== null) return await refuse(deps, asked, 'revoked', revoked(claims));
  // Authority may have gone since the URL was made.
  const standing = await deps.authority.current(asker, context.now);
  if (!mayAccess(standing, 'evidence.read', record)) return await refuse(deps, asked, 'gate-closed', noGrant(asker, record));
  if (record.payload_length === null) return await refuse(deps, asked, 'erased', erased(claims.ref));
  const source = await evidenceSource(deps.database, record, deps.checkpointOf);
  if (source.length !== claims.len || (source.whole !== null && digestOf(source.whole) !== claims.dig))
    return await refuse(deps, asked, 'digest-differs', differs(claims));
  return { asked, source };
}

async function signedHere(deps: AccessDependencies, cap: string, { request_id, now }: Context): Promise<CapabilityClaims> {
  const { verifiers: keys, issuer } = deps.capability;
  const checked = await checkCapability(cap, { keys, issuer, audience: audienceOf(deps), now: new Date(now) });
  if (checked.ok) return checked.claims;
  // Nobody has proved to be anybody: this stays out of the evidence log, which a stranger could fill otherwise.
  deps.logger.warn({ request_id, outcome: checked.reason }, 'capability refused');
  deps.counted(checked.reason);
  throw capabilityProblem(checked.reason);
}

/** What is on record of it: nothing was signed before that was. */
async function recorded(
  deps: AccessDependencies,
  claims: CapabilityClaims,
  { request_id, now, headers, confirmation }: Context,
): Promise<{ readonly asked: Asked; readonly asker: Actor }> {
  const [[record], [resolution], [row]] = await deps.database.read([
    recordByPieces({ ref: claims.ref }),
    recordWithCover({ ref: claims.rid }),
    capabilityByJti({ jti: claims.jti }),
  ]);
  const asker = resolution === undefined ? undefined : askerOf(resolution, claims);
  if (record !== undefined && asker !== undefined && row !== undefined)
    return { asked: { request_id, now, headers, ...(confirmation === undefined ? {} : { confirmation }), claims, record, row }, asker };
  deps.logger.warn({ ...told({ request_id, claims }), outcome: 'unrecorded' }, 'capability refused');
  deps.counted('unrecorded');
  throw new Problem('forbidden', {
    detail: 'this log has no resolution for the capability',
    hint: 'get a new one: govctl evidence get REF',
  });
}

export function revoked({ ref }: CapabilityClaims): Problem {
  return new Problem('forbidden', { detail: 'the capability was revoked', hint: `ask for a new one: govctl evidence get ${ref}` });
}

function differs({ ref }: CapabilityClaims): Problem {
  return new Problem('digest-mismatch', {
    detail: `what is stored as ${ref} is not what the capability was made for`,
    hint: 'govctl log verify; then ask for a new URL',
  });
}
