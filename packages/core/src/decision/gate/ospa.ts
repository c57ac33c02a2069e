import { defer, type Gate, noContract, notRequired, pass } from '../gate.ts';

/** Where the contract asks for coverage, somebody must have authorised the build. */
export const ospaGate: Gate = {
  code: 'ospa',
  asks: 'Is there at least one build authorization for the object?',
  otherwise: 'defer',
  judge(input) {
    const { contract, ospa_count } = input.facts;
    if (input.gate_set === 'rollback') return notRequired('a rollback builds nothing', 'rollback');
    if (contract === null) return noContract(input);
    if (!contract.body.requires_coverage) return notRequired('the contract asks for no handoff coverage');
    if (ospa_count !== null && ospa_count >= 1) return pass('authorised', '>= 1', ospa_count);
    const object = contract.body.handoff_object ?? contract.body.dataset_id;
    return defer({
      reason_code: ospa_count === null ? 'ospa-unknown' : 'ospa-none',
      reason: ospa_count === null ? 'build authorizations cannot be read' : `nobody authorised ${object}`,
      expected: '>= 1',
      actual: ospa_count,
      resolve: { who: 'a person who may authorise builds', command: `govctl ospa authorize ${object} --reason TEXT` },
    });
  },
};
