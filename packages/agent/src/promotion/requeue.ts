import { type DecisionBody, decisionDigest, endedByTimeout } from '@govctl/core/decision';
import { holdLease } from '@govctl/core/lease';
import { carryOut, decideForRemote, type RunRow, type RunState } from '@govctl/core/promotion';
import type { CommitResult } from '../journal/index.ts';
import { committed, deferLimits, judge, type PromotionDependencies, resume, type StoredRequest, sagaContext } from './judge.ts';
import { dueRuns, runById } from './queries.ts';
import { aftermathOf } from './rollback.ts';

const perRound = 50;

/**
 * Asks deferred runs again: when their time has come, or when a fact they were judged on moved. The promise of a defer ends at
 * `defer_until`: then the contract's `then` happens, and the record says that a timeout decided, never a person.
 *
 * One host of a deployment does it at a time: each answer is written only by the holder of the lease.
 *
 * @returns how many runs were asked
 */
export async function requeueDeferred(deps: PromotionDependencies, holder: string): Promise<number> {
  const [due] = await deps.database.read([dueRuns({ now: deps.now(), limit: perRound })]);
  let asked = 0;
  for (const { run_id } of due) {
    const [[run]] = await deps.database.read([runById({ run_id })]);
    if (run === undefined || run.status !== 'deferred') continue;
    const result = await askAgain(deps, run, holder);
    if (result.ok) asked += 1;
    else if (result.guard === 'lease-is-mine') break;
  }
  return asked;
}

async function askAgain(deps: PromotionDependencies, run: RunRow, holder: string): Promise<CommitResult> {
  const state = JSON.parse(run.state) as RunState;
  const stored = state.request as StoredRequest | undefined;
  if (stored === undefined) throw new Error(`run ${run.run_id} is deferred without what was asked`);
  const now = deps.now();
  // What the asker may do now, not what it might do then: a key that was revoked promotes nothing any more.
  const actor = await deps.authority.current(stored.actor, now);
  const attempt = await judge(deps, stored.facts, actor, now);
  const { facts } = attempt.read;
  const context = sagaContext(deps, attempt.read, undefined);
  const timedOut = attempt.decision.decision === 'defer' && run.defer_until !== null && run.defer_until <= now;
  const decision: DecisionBody = timedOut ? endedByTimeout(attempt.decision) : attempt.decision;
  const judged = { facts, decision, decision_digest: timedOut ? decisionDigest(decision) : attempt.decision_digest };
  const start = resume(run);
  const allowed = decision.decision === 'allow';
  const planned =
    allowed && stored.by === 'remote'
      ? decideForRemote(start, judged, context)
      : carryOut(
          start,
          judged,
          context,
          deferLimits(facts),
          allowed && stored.by === 'rollback' ? aftermathOf(deps, facts, context, state.reason ?? '') : undefined,
        );
  const unit = { ...planned.unit, changes: [holdLease('requeue', holder, now), ...planned.unit.changes] };
  const result = await committed(deps, { ...planned, unit }, start);
  // The same answer again is not another decision: nothing was recorded.
  if (result.ok && planned.unit.records.length > 0) deps.decided(decision.decision);
  return result;
}
