import { defer, evidence, type Gate, noContract, notRequired, pass } from '../gate.ts';

/** Where the contract builds on handoff: nothing born may be unknown to governance. What is not known is not covered. */
export const coverageGate: Gate = {
  code: 'coverage',
  asks: 'Is handoff coverage known to be ok, and the object inside it?',
  otherwise: 'defer',
  judge(input, now) {
    const { contract, coverage } = input.facts;
    if (input.gate_set === 'rollback') return notRequired('a rollback restores what was covered', 'rollback');
    if (contract === null) return noContract(input);
    if (!contract.body.requires_coverage) return notRequired('the contract asks for no handoff coverage');
    const object = contract.body.handoff_object ?? contract.body.dataset_id;
    const resolve = { who: 'an operator of the handoff', command: 'govctl handoff status' };
    if (coverage === null) {
      return defer({
        reason_code: 'coverage-unknown',
        reason: 'nothing is known of handoff coverage',
        expected: 'ok',
        actual: null,
        resolve,
      });
    }
    const seen = [evidence('handoff:cursor', null, coverage.last_poll_at, now)];
    if (coverage.state !== 'ok') {
      return defer({
        reason_code: `coverage-${coverage.state}`,
        reason: `handoff coverage is ${coverage.state}`,
        expected: 'ok',
        actual: coverage.state,
        evidence: seen,
        resolve,
      });
    }
    if (coverage.object_key !== object || coverage.covered !== true) {
      return defer({
        reason_code: 'coverage-object-missing',
        reason: `${object} is not known to governance`,
        expected: `${object} covered`,
        actual: coverage.object_key === object && coverage.covered === false ? 'not covered' : 'not known',
        evidence: seen,
        resolve: { who: 'whoever makes the object', command: `govctl candidate get ${object}` },
      });
    }
    return pass('covered', 'ok', 'ok', seen);
  },
};
