import { jcsDigest } from '../evidence/jcs.ts';
import { subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import { type GovernanceContext, governanceFact } from '../policy/governance-fact.ts';

type Planned = { readonly unit: Unit; readonly evidence_ref: string };

/**
 * A tenant may run nothing from now on: new runs are denied, deferred ones are asked again and denied, jobs are terminated at their next
 * check. What is ACTIVE stays, births go on, and a rollback is still answered: it mends.
 */
export function suspendTenant(context: GovernanceContext, suspension_id: string, tenant_id: string, reason: string): Planned {
  return changed(context, 'tenant.suspend', tenant_id, reason, {
    suspension_id,
    change: (evidence_ref) => ({
      write: 'tenant.suspend',
      values: { suspension_id, tenant_id, reason, suspended_at: context.at, suspended_by: context.actor.actor_id, evidence_ref },
    }),
  });
}

/** It may again. */
export function resumeTenant(context: GovernanceContext, suspension_id: string, tenant_id: string, reason: string): Planned {
  return changed(context, 'tenant.resume', tenant_id, reason, {
    suspension_id,
    change: () => ({
      write: 'tenant.resume',
      values: { suspension_id, resumed_at: context.at, resumed_by: context.actor.actor_id, resume_reason: reason },
    }),
  });
}

function changed(
  context: GovernanceContext,
  fact: string,
  tenant_id: string,
  reason: string,
  how: { readonly suspension_id: string; readonly change: (evidence_ref: string) => Unit['changes'][number] },
): Planned {
  const subject = `tenant/${tenant_id}`;
  const digest = jcsDigest({ tenant_id, suspension_id: how.suspension_id });
  const record = governanceFact(context, {
    fact,
    subject,
    digest,
    about: [subjectOf(subject, digest)],
    reason,
    detail: { suspension_id: how.suspension_id },
    tenant_id,
    dataset_id: null,
  });
  return {
    evidence_ref: record.ref,
    // A fact about every dataset of the tenant moved: what was judged on it is judged again.
    unit: {
      label: fact,
      changes: [how.change(record.ref), { write: 'tenant.touch', values: { tenant_id } }],
      records: [record],
      events: [],
    },
  };
}
