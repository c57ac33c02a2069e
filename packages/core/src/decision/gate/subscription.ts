import { type Gate, notRequired } from '../gate.ts';

/** Quotas and limits of the tenant. No plan exists in this version, so nobody's use is limited, and the gate says so. */
export const subscriptionGate: Gate = {
  code: 'subscription',
  asks: 'Is the tenant within its quota and limits?',
  otherwise: 'deny or defer',
  judge: () => notRequired('no subscription plan limits this tenant'),
};
