import { applyContract, fail, type Gate, noContract, notRequired } from '../gate.ts';

/**
 * Approvals by people. This version keeps none, so `contract apply` refuses a contract that asks for them; one that got here all
 * the same is denied, never waved through.
 */
export const approvalsGate: Gate = {
  code: 'approvals',
  asks: 'Did a quorum of the asked roles approve this snapshot under these policies?',
  otherwise: 'defer',
  judge(input) {
    if (input.gate_set === 'rollback') return notRequired('a rollback acts first and is audited after', 'rollback');
    if (input.facts.contract === null) return noContract(input);
    const { quorum } = input.facts.contract.body.approvals;
    if (quorum === 0) return notRequired('the contract asks for no approvals');
    return fail({
      reason_code: 'approvals-not-available',
      reason: `the contract asks for ${quorum} approvals, and this version keeps none`,
      expected: quorum,
      actual: null,
      resolve: applyContract,
    });
  },
};
