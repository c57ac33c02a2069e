import { fail, type Gate, notRequired, pass } from '../gate.ts';

/** A caller that acts for a policy set is told when another one is active; it is never judged by rules it did not expect. */
export const policyRevGate: Gate = {
  code: 'policy-rev',
  asks: 'Is the policy_rev the caller expects the active one?',
  otherwise: 'deny',
  judge({ facts: { policy, request }, bundle, bundle_digest, gate_set }) {
    const resolve = { who: 'whoever submits', command: 'govctl policy show' };
    if (gate_set === 'rollback' && request.expected_policy_rev === null)
      return notRequired('a rollback is not judged by policy packs', 'rollback');
    if (policy === null) {
      return fail({
        reason_code: 'policy-none-active',
        reason: 'no policy set is active',
        expected: request.expected_policy_rev ?? 'an active policy set',
        actual: null,
        resolve: { who: 'the owner of the policies', command: 'govctl policy activate pack.yaml' },
      });
    }
    const submitted = bundle_digest === null ? [] : [bundle.expected_policy_rev];
    const expectations = request.expected_policy_rev === null ? submitted : [request.expected_policy_rev, ...submitted];
    if (expectations.length === 0) return notRequired('the caller expects no policy_rev; the bundle was built under the active one');
    if (expectations.includes(undefined)) {
      return fail({
        reason_code: 'policy-rev-missing',
        reason: 'the submitted bundle does not say which policy_rev it was made for',
        expected: policy.policy_rev,
        actual: null,
        resolve,
      });
    }
    const other = expectations.find((expected) => expected !== policy.policy_rev);
    if (other !== undefined) {
      return fail({
        reason_code: 'policy-rev-other',
        reason: 'another policy set is active',
        expected: other,
        actual: policy.policy_rev,
        resolve,
      });
    }
    return pass('the expected policy set is active', policy.policy_rev, policy.policy_rev);
  },
};
