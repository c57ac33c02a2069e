import { fail, type Gate, pass } from '../gate.ts';

/** Evidence of one environment does not promote in another, and both sides mean the same by their formats. */
export const environmentGate: Gate = {
  code: 'environment',
  asks: 'Is the recorded environment this one, with the same parity contract and configuration?',
  otherwise: 'deny',
  judge({ facts: { environment, request, snapshot }, bundle }) {
    const recorded = [bundle.environment, snapshot?.environment].find((name) => name !== environment.name);
    if (recorded !== undefined || bundle.environment === undefined) {
      return fail({
        reason_code: recorded === undefined ? 'environment-unknown' : 'environment-other',
        reason:
          recorded === undefined
            ? 'the evidence names no environment'
            : `the evidence was recorded in ${recorded}, this is ${environment.name}`,
        expected: environment.name,
        actual: recorded ?? null,
        resolve: { who: 'whoever submits', command: `govctl snapshot get ${request.snapshot_id}` },
      });
    }
    if (request.expected_parity_contract !== null && request.expected_parity_contract !== environment.parity_contract) {
      return fail({
        reason_code: 'parity-contract-differs',
        reason: 'the caller was built for another parity contract',
        expected: environment.parity_contract,
        actual: request.expected_parity_contract,
        resolve: { who: 'whoever submits', command: 'govctl doctor' },
      });
    }
    if (request.expected_config_digest !== null && request.expected_config_digest !== environment.config_digest) {
      return fail({
        reason_code: 'config-digest-differs',
        reason: 'the configuration is not the one the caller expects',
        expected: environment.config_digest,
        actual: request.expected_config_digest,
        resolve: { who: 'whoever submits', command: 'govctl config digest' },
      });
    }
    return pass('recorded in this environment', environment.name, bundle.environment);
  },
};
