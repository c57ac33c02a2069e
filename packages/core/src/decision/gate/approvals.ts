import { countApprovals, meets, quorumOf } from '../approval.ts';
import type { ApprovalFact } from '../facts.ts';
import { defer, evidence, fail, type Gate, noContract, notRequired, pass } from '../gate.ts';

/** People say yes or no to one request: one no ends it, and enough of the asked roles must say yes. */
export const approvalsGate: Gate = {
  code: 'approvals',
  asks: 'Did a quorum of the asked roles approve this snapshot under these policies?',
  otherwise: 'defer',
  judge(input, now) {
    const { facts, gate_set } = input;
    const { request } = facts;
    if (gate_set === 'rollback') return notRequired('a rollback acts first and is audited after', 'rollback');
    if (facts.contract === null) return noContract(input);
    const quorum = quorumOf(input);
    const { counted, void: voided, rejected } = countApprovals(input, now);
    const roles = quorum.roles.length === 0 ? '' : ` with ${quorum.roles.join(', ')}`;
    const expected = `${quorum.people} ${quorum.people === 1 ? 'person' : 'people'}${roles}`;
    if (quorum.people === 0) return notRequired('the contract asks for no approvals');
    const seen = (approvals: readonly ApprovalFact[]) =>
      approvals.map((approval) => evidence(`approval:${approval.approval_id}`, approval.evidence_ref, approval.given_at, now));
    if (rejected !== null) {
      return fail({
        reason_code: 'approval-rejected',
        reason: `${rejected.actor_id} rejected it: ${rejected.reason}`,
        expected,
        actual: rejected.actor_id,
        evidence: seen([rejected]),
        resolve: {
          who: 'whoever submits, once the reason is mended; a rejected run stays rejected',
          command: `govctl promote ${request.dataset_id} --from ${request.from_layer} --to ${request.to_layer} --snapshot ${request.snapshot_id}`,
        },
      });
    }
    const { met, lacking } = meets(counted, quorum);
    const who = counted.map(({ actor_id, role }) => `${actor_id} (${role})`).join(', ');
    if (met) return pass(`approved by ${who}`, expected, counted.length, seen(counted));
    const [firstVoid] = voided;
    const asked = lacking.length > 0 ? lacking : quorum.roles;
    return defer({
      reason_code: firstVoid?.code ?? (counted.length < quorum.people ? 'approvals-missing' : 'approvals-role-missing'),
      reason: [
        `${counted.length} of ${quorum.people} approvals${who === '' ? '' : `: ${who}`}`,
        ...(lacking.length === 0 ? [] : [`nobody approved as ${lacking.join(', ')}`]),
        ...voided.map(({ text }) => text),
      ].join('; '),
      expected,
      actual: counted.length,
      evidence: seen([...counted, ...voided.map(({ approval }) => approval)]),
      resolve: {
        who: `a person other than ${request.actor.actor_id}, granted promotion.approve${asked.length === 0 ? '' : ` and ${asked.map((role) => `role.${role}`).join(' or ')}`}`,
        command: `govctl promotion approve ${request.run_id} --reason TEXT`,
      },
    });
  },
};
