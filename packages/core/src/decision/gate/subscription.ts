import { evidence, fail, type Gate, notRequired } from '../gate.ts';

/**
 * Quotas and limits of the tenant. No plan exists in this version, so nobody's use is limited, and the gate says so; a tenant that is
 * suspended may run nothing but rollbacks, which mend.
 */
export const subscriptionGate: Gate = {
  code: 'subscription',
  asks: 'Is the tenant within its quota and limits, and not suspended?',
  otherwise: 'deny',
  judge({ facts: { suspension, request }, gate_set }, now) {
    if (suspension === undefined) return notRequired('no subscription plan limits this tenant');
    if (gate_set === 'rollback') return notRequired('the tenant is suspended, and a rollback answers trouble', 'rollback');
    const { suspension_id, reason, suspended_at, suspended_by, evidence_ref } = suspension;
    return fail({
      reason_code: 'tenant-suspended',
      reason: `${request.tenant_id} was suspended by ${suspended_by}: ${reason}`,
      expected: 'a tenant that is not suspended',
      actual: suspension_id,
      evidence: [evidence(`suspension:${suspension_id}`, evidence_ref, suspended_at, now)],
      resolve: { who: 'whoever may resume the tenant', command: `govctl tenant resume ${request.tenant_id} --reason TEXT` },
    });
  },
};
