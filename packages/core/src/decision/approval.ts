import { samePerson, sourceTypeOf } from '../identity/actor.ts';
import type { ApprovalFact } from './facts.ts';
import type { Moment } from './gate.ts';
import type { GateInput } from './input.ts';

/** An approval that does not count, and why. */
type VoidApproval = { readonly approval: ApprovalFact; readonly code: string; readonly text: string };

export type Approvals = {
  /** The newest of each person that counts, in the order they were given. */
  readonly counted: readonly ApprovalFact[];
  readonly void: readonly VoidApproval[];
  /** One rejection ends it, whoever else approved. */
  readonly rejected: ApprovalFact | null;
};

/** What a contract asks: so many people, and each of these roles among them. Zero people is no demand. */
export type Quorum = { readonly people: number; readonly roles: readonly string[] };

export function quorumOf({ facts, gate_set }: GateInput): Quorum {
  const approvals = facts.contract?.body.approvals;
  if (approvals === undefined || gate_set === 'rollback') return { people: 0, roles: [] };
  // Each is given in one role, so that as many people are needed as there are roles.
  return { people: Math.max(approvals.quorum, approvals.roles.length), roles: approvals.roles };
}

/** What an approval of a request moves: `tenant/dataset/LAYER`. */
export function approvalTarget(request: { readonly tenant_id: string; readonly dataset_id: string; readonly to_layer: string }): string {
  return `${request.tenant_id}/${request.dataset_id}/${request.to_layer}`;
}

/** Which approvals of the facts count at this moment. */
export function countApprovals(input: GateInput, now: Moment): Approvals {
  const voided: VoidApproval[] = [];
  const newest = new Map<string, ApprovalFact>();
  let rejected: ApprovalFact | null = null;
  for (const approval of input.facts.approvals.toSorted((a, b) => (a.given_at < b.given_at ? -1 : 1))) {
    const trouble = troubleOf(approval, input, now);
    if (trouble !== undefined) voided.push({ approval, ...trouble });
    else if (approval.verdict === 'reject') rejected ??= approval;
    else {
      const same = [...newest.keys()].find((actorId) => samePerson(actorId, approval.actor_id));
      if (same !== undefined) newest.delete(same);
      newest.set(approval.actor_id, approval);
    }
  }
  return { counted: [...newest.values()], void: voided, rejected };
}

function troubleOf(approval: ApprovalFact, { facts, subject }: GateInput, now: Moment): { code: string; text: string } | undefined {
  const { request, policy, contract } = facts;
  const { actor_id: who, role } = approval;
  const roles = contract?.body.approvals.roles ?? [];
  if (samePerson(who, request.actor.actor_id)) return { code: 'approval-by-requester', text: `${who} asked for it and cannot approve it` };
  if (sourceTypeOf(who) !== 'HUMAN') return { code: 'approval-not-human', text: `${who} is not a person` };
  if (approval.request_id !== request.run_id)
    return { code: 'approval-other-request', text: `${who} approved another request (${approval.request_id})` };
  // A request that a person rejected stays rejected: the rest is about how long a yes is good for.
  if (approval.verdict === 'reject') return undefined;
  if (approval.target !== approvalTarget(request))
    return { code: 'approval-other-target', text: `${who} approved another target (${approval.target})` };
  if (approval.snapshot_hash !== subject.snapshot_hash)
    return { code: 'approval-other-snapshot', text: `${who} approved another snapshot (${approval.snapshot_hash})` };
  if (approval.policy_rev !== policy?.policy_rev)
    return { code: 'approval-other-policy', text: `${who} approved under another policy set (${approval.policy_rev})` };
  if (roles.length > 0 && !roles.includes(role))
    return { code: 'approval-other-role', text: `${who} approved as ${role}, which the contract does not ask` };
  if (approval.used_by !== null) return { code: 'approval-used', text: `the approval of ${who} was used by ${approval.used_by}` };
  if (Date.parse(approval.expires_at) <= now.ms)
    return { code: 'approval-expired', text: `the approval of ${who} expired at ${approval.expires_at}` };
  return undefined;
}

/** Whether these approvals are enough people in the asked roles, and which roles are not among them. */
export function meets(
  approvals: readonly ApprovalFact[],
  { people, roles }: Quorum,
): { readonly met: boolean; readonly lacking: string[] } {
  const lacking = roles.filter((role) => !approvals.some((approval) => approval.role === role));
  return { met: approvals.length >= people && lacking.length === 0, lacking };
}
