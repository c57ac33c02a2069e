import { type approvalRoutes, Problem, type RouteResponse, schemaVersion } from '@govctl/core/api';
import {
  type ApprovalFact,
  approvalTarget,
  buildInput,
  countApprovals,
  decide,
  decisionDigest,
  type GateInput,
  maxApprovalMs,
  meets,
  quorumOf,
} from '@govctl/core/decision';
import { type Actor, mayAffect, roleAction, samePerson } from '@govctl/core/identity';
import { approve, carryOut, type RunRow, type RunState, type Saying, sayOf } from '@govctl/core/promotion';
import { isEnded, type Phase } from '@govctl/core/run';
import type { Handlers } from '../http/index.ts';
import { readRun } from './handler.ts';
import { deferLimits, judge, keepsMoving, type PromotionDependencies, rebuilds, type StoredRequest, sagaContext } from './judge.ts';
import { alreadyPaused } from './pause.ts';
import { resume } from './run-start.ts';

const defaultMs = 24 * 3_600_000;

type Shown = RouteResponse<(typeof approvalRoutes)['promotion.approve']>;
type Body = { readonly reason: string; readonly snapshot_hash: string; readonly policy_rev: string; readonly role?: string | undefined };

/**
 * People say yes or no to a promotion that waits for them. What they say is bound to what they saw, and is evidence; a yes wakes the
 * run, a no ends it by a deny that names the person.
 */
export function approvalHandlers(deps: PromotionDependencies): Handlers<typeof approvalRoutes> {
  return {
    async 'promotion.approve'({ params, body, actor }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { run, read, input, role } = await whatWaits(deps, params.run_id, actor, 'promotion.approve', body);
        refuseOverrides(input, body.overrides);
        const at = read.facts.as_of;
        const given = countApprovals(input, { at, ms: Date.parse(at) }).counted;
        const again = given.find(
          (one) => samePerson(one.actor_id, actor.actor_id) && one.role === role && same(one.overrides, body.overrides),
        );
        if (again !== undefined) return shown(run, again, given, input, false);
        const saying = sayingOf(deps, input, actor, body, 'approve', role, { overrides: body.overrides, expires: body.expires_at });
        const said = sayOf(run, saying, { ...deps.deployment, salt: () => deps.randomHex(16) });
        const result = await deps.journal.commit(approve(said, run));
        if (!result.ok) continue;
        const others = given.filter((one) => !samePerson(one.actor_id, actor.actor_id));
        return shown(run, said.fact, [...others, said.fact], input, true);
      }
      throw keepsMoving(params.run_id);
    },

    async 'promotion.reject'({ params, body, actor }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { run, read, input, role } = await whatWaits(deps, params.run_id, actor, 'promotion.reject', body);
        const context = sagaContext(deps, read, undefined);
        const said = sayOf(run, sayingOf(deps, input, actor, body, 'reject', role, { overrides: [] }), context);
        // The kernel says no because a person did: with what they said among the facts, so that it is said again by every replay.
        const facts = { ...read.facts, approvals: [...read.facts.approvals, said.fact] };
        const decision = decide(buildInput(facts), deps.packs.compiled(facts.packs), facts.as_of);
        const start = resume(run);
        const planned = carryOut(
          {
            ...start,
            decision_ref: said.record.ref,
            state: { ...start.state, reason: `rejected by ${actor.actor_id}: ${body.reason}` },
          },
          { facts, decision, decision_digest: decisionDigest(decision) },
          context,
          deferLimits(facts),
        );
        const { unit, row } = planned;
        const result = await deps.journal.commit({
          ...unit,
          label: 'promotion.reject',
          changes: [said.change, ...unit.changes],
          records: [said.record, ...unit.records],
        });
        if (!result.ok) continue;
        deps.decided(decision.decision);
        return shown(row, said.fact, [], input, true);
      }
      throw keepsMoving(params.run_id);
    },
  };
}

const refuse = (code: 'forbidden' | 'conflict' | 'stale' | 'unprocessable', reason: string, detail: string, hint: string): Problem =>
  new Problem(code, { detail, hint, reasons: [{ path: reason, message: detail }] });

/** The run with its facts now, and in which role this person may speak; or the reason why not. */
async function whatWaits(deps: PromotionDependencies, runId: string, actor: Actor, action: string, body: Body) {
  const run = await readRun(deps, runId, actor, action);
  if (actor.source_type !== 'HUMAN') {
    throw refuse(
      'forbidden',
      'approval-not-human',
      `${actor.actor_id} is a service; only a person approves or rejects`,
      `ask a person: ${who(runId)}`,
    );
  }
  if (samePerson(actor.actor_id, run.actor_id)) {
    throw refuse(
      'forbidden',
      'approval-by-requester',
      `${run.actor_id} asked for ${runId} and cannot approve or reject it, with any key`,
      `somebody else has to: ${who(runId)}; to withdraw it: govctl promotion cancel ${runId} --reason TEXT`,
    );
  }
  const state = JSON.parse(run.state) as RunState;
  const stored = state.request as StoredRequest | undefined;
  if (run.status === 'paused') throw alreadyPaused(run);
  if (run.status !== 'deferred' || stored === undefined) {
    const ended = isEnded(run.phase as Phase);
    throw refuse(
      'conflict',
      ended ? 'approval-run-ended' : 'approval-run-not-waiting',
      `run ${runId} ${ended ? `has ended: ${run.status}` : `is ${run.phase}/${run.status}`}, and waits for nobody`,
      `govctl promotion get ${runId}`,
    );
  }
  const at = deps.now();
  const { read } = await judge(deps, stored.facts, await deps.authority.current(stored.actor, at), at);
  const input = buildInput(read.facts);
  if (quorumOf(input).people === 0) {
    throw refuse(
      'unprocessable',
      'approvals-not-asked',
      `the contract of ${run.dataset_id} asks for no approvals`,
      `what it waits for: govctl why ${runId}; to end it: govctl promotion cancel ${runId} --reason TEXT`,
    );
  }
  refuseOther(input, body, runId);
  return { run, read, input, role: roleOf(input, run, actor, body.role) };
}

function who(runId: string): string {
  return `govctl why ${runId} says who may`;
}

/** What was seen is what there is, or it is no approval of this. */
function refuseOther({ subject, facts }: GateInput, body: Body, runId: string): void {
  const again = `look at it as it is now: govctl promotion get ${runId} --explain`;
  if (body.snapshot_hash !== subject.snapshot_hash)
    throw refuse('stale', 'approval-other-snapshot', `the run is about ${subject.snapshot_hash}, not ${body.snapshot_hash}`, again);
  const active = facts.policy?.policy_rev ?? 'none';
  if (body.policy_rev !== active)
    throw refuse('stale', 'approval-other-policy', `the active policy_rev is ${active}, not ${body.policy_rev}`, again);
}

function roleOf(input: GateInput, run: RunRow, actor: Actor, asked: string | undefined): string {
  const { roles } = quorumOf(input);
  if (roles.length === 0) {
    if (asked === undefined || asked === 'approver') return 'approver';
    throw refuse('unprocessable', 'approval-other-role', `the contract asks for no role, and ${asked} was named`, 'leave --role out');
  }
  const held = roles.filter((role) => mayAffect(actor, roleAction(role), run));
  const may = asked === undefined ? held : held.filter((role) => role === asked);
  const at = input.facts.as_of;
  const { counted } = countApprovals(input, { at, ms: Date.parse(at) });
  const others = counted.filter((one) => !samePerson(one.actor_id, actor.actor_id));
  const role = may.find((one) => others.every((other) => other.role !== one)) ?? may[0];
  if (role !== undefined) return role;
  const wanted = asked ?? roles[0] ?? '';
  throw refuse(
    'forbidden',
    roles.includes(wanted) ? 'approval-role-not-held' : 'approval-other-role',
    roles.includes(wanted)
      ? `${actor.actor_id} holds none of the roles asked for: ${(asked === undefined ? roles : [asked]).join(', ')}`
      : `the contract asks for ${roles.join(', ')}, not ${wanted}`,
    `whoever may grant it: govctl apikey add --actor ${actor.actor_id} --action promotion.approve --action ${roleAction(roles.includes(wanted) ? wanted : (roles[0] ?? ''))} --dataset ${run.dataset_id}`,
  );
}

function refuseOverrides({ facts }: GateInput, overrides: readonly string[]): void {
  const may = facts.contract?.body.approvals.overridable_rules ?? [];
  const not = overrides.find((code) => !may.includes(code));
  if (not === undefined) return;
  throw refuse(
    'unprocessable',
    'approval-not-overridable',
    `the contract does not let anybody override ${not}`,
    may.length === 0 ? 'leave --overrides out: the contract names no overridable_rules' : `it lets a quorum override: ${may.join(', ')}`,
  );
}

function sayingOf(
  deps: PromotionDependencies,
  { facts, subject }: GateInput,
  actor: Actor,
  body: Body,
  verdict: ApprovalFact['verdict'],
  role: string,
  how: { readonly overrides: readonly string[]; readonly expires?: string | undefined },
): Saying {
  const at = Date.parse(facts.as_of);
  const expires = how.expires === undefined ? at + defaultMs : Date.parse(how.expires);
  if (expires <= at || expires > at + maxApprovalMs) {
    throw refuse(
      'unprocessable',
      'approval-expiry',
      `an approval is good for 7 days at most from now, and ${new Date(expires).toISOString()} is ${expires <= at ? 'past' : 'later'}`,
      'leave --for out (24h), or say at most --for 7d',
    );
  }
  return {
    approval_id: `approval-${deps.randomHex(8)}`,
    verdict,
    actor_id: actor.actor_id,
    authenticated_by: actor.authenticated_by,
    role,
    request_id: facts.request.run_id,
    snapshot_hash: subject.snapshot_hash ?? body.snapshot_hash,
    target: approvalTarget(facts.request),
    policy_rev: body.policy_rev,
    reason: body.reason,
    overrides: [...new Set(how.overrides)],
    given_at: facts.as_of,
    expires_at: new Date(expires).toISOString(),
  };
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return new Set(a).symmetricDifference(new Set(b)).size === 0;
}

function shown(run: RunRow, fact: ApprovalFact, given: readonly ApprovalFact[], input: GateInput, recorded: boolean): Shown {
  const { request_id, used_by: _used, ...said } = fact;
  const quorum = quorumOf(input);
  return {
    schemaVersion,
    kind: 'Approval',
    run_id: request_id,
    ...said,
    recorded,
    quorum: { needed: quorum.people, given: given.length, lacking_roles: meets(given, quorum).lacking },
    run: { phase: run.phase, status: run.status },
  };
}
