import { type DecisionBody, decisionDigest, endedByTimeout } from '@govctl/core/decision';
import type { Actor } from '@govctl/core/identity';
import { carryOut, type PromotionRequest, type RunRow, type RunState } from '@govctl/core/promotion';
import { deferLimits, factRequestOf, judge, type PromotionDependencies, resume, type StoredRequest, sagaContext } from './handler.ts';
import { dueRuns, runById } from './queries.ts';

const perRound = 50;

/**
 * Asks deferred runs again: when their time has come, or when a fact they were judged on moved. The promise of a defer ends at
 * `defer_until`: then the contract's `then` happens, and the record says that a timeout decided, never a person.
 *
 * @returns how many runs were asked
 */
export async function requeueDeferred(deps: PromotionDependencies): Promise<number> {
  const [due] = await deps.database.read([dueRuns({ now: deps.now(), limit: perRound })]);
  let asked = 0;
  for (const { run_id } of due) {
    const [[run]] = await deps.database.read([runById({ run_id })]);
    if (run === undefined || run.status !== 'deferred') continue;
    if (await askAgain(deps, run)) asked += 1;
  }
  return asked;
}

async function askAgain(deps: PromotionDependencies, run: RunRow): Promise<boolean> {
  const state = JSON.parse(run.state) as RunState;
  const stored = state.request as StoredRequest | undefined;
  if (stored === undefined) return false;
  const now = deps.now();
  // What the asker may do now, not what it might do then: a key that was revoked promotes nothing any more.
  const actor: Actor = await deps.authority.current(stored.actor, now);
  const body: PromotionRequest = stored.body;
  const attempt = await judge(deps, factRequestOf(body), actor, now);
  const { facts } = attempt.read;
  const context = sagaContext(deps, attempt.read, undefined);
  const timedOut = attempt.decision.decision === 'defer' && run.defer_until !== null && run.defer_until <= now;
  const decision: DecisionBody = timedOut ? endedByTimeout(attempt.decision) : attempt.decision;
  const judged = { facts, decision, decision_digest: timedOut ? decisionDigest(decision) : attempt.decision_digest };
  const planned = carryOut(resume(run), judged, context, deferLimits(facts));
  const result = await deps.journal.commit(planned.unit);
  return result.ok;
}
