import { type Approvals, countApprovals, meets, type Quorum, quorumOf } from './approval.ts';
import type { Exception, GateAnswer } from './decision.ts';
import type { WaiverFact } from './facts.ts';
import { answerOf, evidence, type Finding, type Found, type Moment } from './gate.ts';
import type { GateInput } from './input.ts';

/** Structural gates that may be set aside. The others hold up integrity, the single writer and the scope, and nobody may. */
export const waivableGates = ['quality', 'freshness'] as const;

/** Whether a waiver or an approval may name this gate or rule at all. */
export function isWaivable(code: string): boolean {
  return waivableGates.some((gate) => gate === code) || /^rule:[^/]+\/[^/]+$/.test(code);
}

/** How long a waiver may last, and an approval be good for. */
export const maxWaiverMs = 90 * 86_400_000;
export const maxApprovalMs = 7 * 86_400_000;

type Settled = { readonly answers: GateAnswer[]; readonly exceptions: Exception[]; readonly approvals: Approvals };

/**
 * Sets aside what a live waiver or a quorum of approvals covers. In the kernel and nowhere else: an expiry that callers look at is
 * one that some caller forgets.
 *
 * What was set aside is never a pass: it is `not_required` with a reason code of its own, and it is counted in the verdict. A failing
 * rule that people may override waits for them instead of denying.
 */
export function settle(input: GateInput, found: readonly Found[], now: Moment): Settled {
  const approvals = countApprovals(input, now);
  const quorum = quorumOf(input);
  const exceptions: Exception[] = [];
  const answers = found.map(({ code, finding }) => {
    const open = finding.outcome === 'fail' || finding.outcome === 'defer';
    const untouchable = !open || finding.waivable === false || !isWaivable(code) || input.gate_set === 'rollback';
    return answerOf(code, untouchable ? finding : setAside(input, code, finding, now, { approvals, quorum, exceptions }));
  });
  return { answers, exceptions, approvals };
}

type Bench = { readonly approvals: Approvals; readonly quorum: Quorum; readonly exceptions: Exception[] };

function setAside(input: GateInput, code: string, finding: Finding, now: Moment, bench: Bench): Finding {
  const waivers = input.facts.waivers.filter((waiver) => waiver.rule === code && covers(waiver, input));
  const live = waivers.filter((waiver) => Date.parse(waiver.expires_at) > now.ms).toSorted(longestFirst)[0];
  if (live === undefined) {
    const judged = overridden(input, code, finding, now, bench);
    const [gone] = waivers.toSorted(longestFirst);
    const blocks = judged.outcome === 'fail' || judged.outcome === 'defer';
    return gone === undefined || !blocks
      ? judged
      : { ...judged, reason: `${judged.reason} (waiver ${gone.waiver_id} expired at ${gone.expires_at})` };
  }
  bench.exceptions.push({ code, by: 'waiver', id: live.waiver_id, expires_at: live.expires_at });
  return {
    ...asNotRequired(finding),
    reason_code: 'waived',
    reason: `waived by ${live.granted_by} until ${live.expires_at} (${live.reason}): ${finding.reason}`,
    evidence: [...(finding.evidence ?? []), evidence(`waiver:${live.waiver_id}`, live.evidence_ref, live.granted_at, now)],
  };
}

function covers(waiver: WaiverFact, { facts: { request } }: GateInput): boolean {
  return (
    (waiver.layer === null || waiver.layer === request.to_layer) &&
    (waiver.snapshot_id === null || waiver.snapshot_id === request.snapshot_id)
  );
}

function longestFirst(a: WaiverFact, b: WaiverFact): number {
  return a.expires_at > b.expires_at ? -1 : a.expires_at < b.expires_at ? 1 : a.waiver_id < b.waiver_id ? -1 : 1;
}

/** The approvals that list the rule must be a quorum by themselves: nobody overrides in another's name. */
function overridden(input: GateInput, code: string, finding: Finding, now: Moment, { approvals, quorum, exceptions }: Bench): Finding {
  const { contract, request } = input.facts;
  const may = quorum.people > 0 && contract?.body.approvals.overridable_rules.includes(code) === true;
  if (!may || approvals.rejected !== null) return finding;
  const listing = approvals.counted.filter((approval) => approval.overrides.includes(code));
  if (!meets(listing, quorum).met) {
    if (finding.outcome !== 'fail') return finding;
    return {
      ...finding,
      outcome: 'defer',
      reason_code: 'override-awaited',
      reason: `${finding.reason}; ${listing.length} of ${quorum.people} approvals override it${finding.resolve === undefined ? '' : `; to mend it: ${finding.resolve.command}`}`,
      resolve: {
        who: 'whoever may approve, where it cannot be mended',
        command: `govctl promotion approve ${request.run_id} --overrides ${code} --reason TEXT`,
      },
    };
  }
  for (const { approval_id: id, expires_at } of listing) exceptions.push({ code, by: 'approval', id, expires_at });
  return {
    ...asNotRequired(finding),
    reason_code: 'overridden',
    reason: `overridden by ${listing.map(({ actor_id, role }) => `${actor_id} (${role})`).join(', ')}: ${finding.reason}`,
    evidence: [
      ...(finding.evidence ?? []),
      ...listing.map((each) => evidence(`approval:${each.approval_id}`, each.evidence_ref, each.given_at, now)),
    ],
  };
}

function asNotRequired({ next_eligible_at: _later, ...finding }: Finding): Finding {
  return { ...finding, outcome: 'not_required' };
}

/** `1 waiver, expires 2026-12-01T00:00:00.000Z`; empty where nothing was set aside. */
export function exceptionText(exceptions: readonly Exception[] | undefined): string {
  const of = (by: Exception['by'], one: string, many: string) => {
    const these = (exceptions ?? []).filter((exception) => exception.by === by);
    const ids = new Set(these.map(({ id }) => id)).size;
    const [soonest] = these.map(({ expires_at }) => expires_at).toSorted();
    return soonest === undefined ? [] : [`${ids} ${ids === 1 ? one : many}, expires ${soonest}`];
  };
  return [...of('waiver', 'waiver', 'waivers'), ...of('approval', 'overriding approval', 'overriding approvals')].join('; ');
}
