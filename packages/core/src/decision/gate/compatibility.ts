import { fail, type Gate, notRequired } from '../gate.ts';

/** Model bundles against feature definitions and scope. Datasets have neither; bundles have no registry in this version. */
export const compatibilityGate: Gate = {
  code: 'compatibility',
  asks: 'Is the bundle compatible with the feature definitions and the scope?',
  otherwise: 'deny',
  judge({ facts: { request } }) {
    if (request.promotion_type !== 'bundle_to_active') return notRequired('a dataset has no feature definitions to be compatible with');
    return fail({
      reason_code: 'compatibility-not-available',
      reason: 'this version has no registry of bundles',
      expected: 'a published bundle',
      actual: null,
      resolve: { who: 'whoever submits', command: 'govctl gate explain compatibility' },
    });
  },
};
