import { type accessRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type RevocationTarget, revokeCapabilities } from '@govctl/core/evidence';
import type { Handlers } from '../http/index.ts';
import type { AccessDependencies } from './access.ts';
import { type CapabilityRow, capabilities, liveCapabilities } from './capability-queries.ts';
import { mayAccess } from './grant.ts';

/** Signed URLs that open something: which there are, and taking them back. */
export function revokeHandlers(
  deps: Pick<AccessDependencies, 'database' | 'journal' | 'deployment' | 'randomHex' | 'logger'>,
): Pick<Handlers<typeof accessRoutes>, 'evidence.capabilities' | 'evidence.revoke'> {
  const { database, journal, logger } = deps;
  return {
    async 'evidence.capabilities'({ query, actor, now }) {
      const after = query.all === 'true' ? '' : now;
      const [rows] = await database.read([capabilities({ ref: query.ref ?? null, actor_id: query.actor_id ?? null, after })]);
      const items = rows
        .filter((row) => mayAccess(actor, 'evidence.read', row))
        .map((row) => ({ ...row, resumed: Number(row.resumed ?? 0), state: stateOf(row, now) }))
        .filter(({ state }) => query.all === 'true' || state !== 'revoked');
      return { schemaVersion, kind: 'CapabilityList' as const, items };
    },

    async 'evidence.revoke'({ body, actor, request_id, now }) {
      const target = targetOf(body);
      const [rows] = await database.read([
        liveCapabilities({ jti: body.jti ?? null, ref: body.ref ?? null, actor_id: body.actor_id ?? null, now }),
      ]);
      const mine = rows.filter((row) => mayAccess(actor, 'evidence.revoke', row));
      if (mine.length === 0 && rows.length > 0) {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} has no grant for evidence.revoke on what these URLs open`,
          hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action evidence.revoke`,
        });
      }
      if (mine.length === 0 && target.by === 'jti')
        throw new Problem('not-found', { detail: `no URL with the jti ${target.value} is open`, hint: 'govctl evidence capabilities' });
      const jtis = mine.map(({ jti }) => jti);
      const answer = { schemaVersion, kind: 'CapabilityRevocation' as const, ...target, revoked: jtis.length, jtis, reason: body.reason };
      // Nothing is open: that is what was asked for, and there is nothing to record.
      if (jtis.length === 0) return { ...answer, evidence_ref: null };
      const unit = revokeCapabilities({
        target,
        jtis,
        reason: body.reason,
        ...ownerOf(mine),
        actor,
        ...deps.deployment,
        at: now,
        salt: deps.randomHex(16),
      });
      const result = await journal.commit(unit);
      if (!result.ok) throw new Error(`a unit without a guard lost ${result.guard}`);
      logger.info({ request_id, actor: actor.actor_id, ...target, revoked: jtis.length }, 'capabilities revoked');
      return { ...answer, evidence_ref: result.committed.records[0]?.ref ?? null };
    },
  };
}

function targetOf(body: {
  readonly jti?: string | undefined;
  readonly actor_id?: string | undefined;
  readonly ref?: string | undefined;
}): RevocationTarget {
  if (body.jti !== undefined) return { by: 'jti', value: body.jti };
  if (body.actor_id !== undefined) return { by: 'actor', value: body.actor_id };
  if (body.ref !== undefined) return { by: 'ref', value: body.ref };
  throw new Problem('invalid-request', { detail: 'needs jti, actor_id or ref' });
}

/** Whose log it is: the dataset, or the tenant, where all of them are of one. */
function ownerOf(rows: readonly Pick<CapabilityRow, 'tenant_id' | 'dataset_id'>[]) {
  const tenants = new Set(rows.map(({ tenant_id }) => tenant_id));
  const datasets = new Set(rows.map(({ dataset_id }) => dataset_id));
  const [tenant_id = 'default'] = tenants;
  const [dataset_id = null] = datasets;
  if (tenants.size > 1) return { tenant_id: 'default', dataset_id: null };
  return { tenant_id, dataset_id: datasets.size > 1 ? null : dataset_id };
}

function stateOf({ revoked_at, expires_at, used_at }: CapabilityRow, now: string): 'open' | 'used' | 'expired' | 'revoked' {
  if (revoked_at !== null) return 'revoked';
  if (expires_at <= now) return 'expired';
  return used_at === null ? 'open' : 'used';
}
