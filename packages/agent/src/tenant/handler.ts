import { Problem, schemaVersion, type tenantRoutes } from '@govctl/core/api';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { resumeTenant, suspendTenant } from '@govctl/core/run';
import type { Handlers } from '../http/index.ts';
import { type GovernanceDependencies, governanceContext, notGranted } from '../policy/governance.ts';
import { openSuspension, type SuspensionRow, suspensions } from './queries.ts';

/** Suspends tenants, and lets them run again: for whoever may do so to all that is the tenant's. */
export function tenantHandlers(deps: GovernanceDependencies): Handlers<typeof tenantRoutes> {
  return {
    async 'tenant.ls'({ query: { tenant_id = null, all, limit }, actor }) {
      const [rows] = await deps.database.read([suspensions({ tenant_id, all: Number(all === 'true'), limit })]);
      const items = rows.filter((row) => mayAffect(actor, 'tenant.read', { tenant_id: row.tenant_id, dataset_id: '*' }));
      return { schemaVersion, kind: 'TenantSuspensionList' as const, items };
    },

    async 'tenant.suspend'({ params: { tenant_id }, body: { reason }, actor }) {
      requireTenant(actor, 'tenant.suspend', tenant_id);
      const [[open]] = await deps.database.read([openSuspension({ tenant_id })]);
      // Suspended already is what was asked for; nothing is written twice.
      if (open !== undefined) return shown(open);
      const context = governanceContext(deps, actor);
      const suspension_id = `suspension-${deps.randomHex(8)}`;
      const { unit, evidence_ref } = suspendTenant(context, suspension_id, tenant_id, reason);
      const result = await deps.journal.commit(unit);
      if (!result.ok) throw justNow(tenant_id);
      const made = { suspension_id, tenant_id, reason, suspended_at: context.at, suspended_by: actor.actor_id, evidence_ref };
      return shown({ ...made, resumed_at: null, resumed_by: null, resume_reason: null });
    },

    async 'tenant.resume'({ params: { tenant_id }, body: { reason }, actor }) {
      requireTenant(actor, 'tenant.resume', tenant_id);
      const [[open]] = await deps.database.read([openSuspension({ tenant_id })]);
      if (open === undefined)
        throw new Problem('not-found', { detail: `tenant ${tenant_id} is not suspended`, hint: 'govctl tenant ls --all' });
      const context = governanceContext(deps, actor);
      const result = await deps.journal.commit(resumeTenant(context, open.suspension_id, tenant_id, reason).unit);
      if (!result.ok) throw justNow(tenant_id);
      return shown({ ...open, resumed_at: context.at, resumed_by: actor.actor_id, resume_reason: reason });
    },
  };
}

function requireTenant(actor: Actor, action: string, tenant_id: string): void {
  if (mayAffect(actor, action, { tenant_id, dataset_id: '*' })) return;
  throw notGranted(actor, action, `all of ${tenant_id}`, `--tenant ${tenant_id} --dataset '*'`);
}

function justNow(tenant_id: string): Problem {
  return new Problem('conflict', { detail: `somebody else changed this of ${tenant_id} just now`, hint: 'govctl tenant ls' });
}

function shown(row: SuspensionRow) {
  return { schemaVersion, kind: 'TenantSuspension' as const, ...row };
}
