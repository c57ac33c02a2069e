import { type DecisionBody, decisionDigest, endedByTimeout } from '@govctl/core/decision';
import { carryOut, decideForRemote, type Planned, type RunRow, type RunStart, type RunState } from '@govctl/core/promotion';
import { deferLimits, judge, type PromotionDependencies, type StoredRequest, sagaContext } from './judge.ts';
import { aftermathOf } from './rollback.ts';

type Reevaluation = Pick<Planned, 'unit' | 'row' | 'state'> & { readonly decision: DecisionBody };

/**
 * A run that waits is judged on the facts of now, on behalf of whoever asked: with what the asker may do now, not with what it might do
 * then. A promise to wait that ended is an end by timeout, never by a person.
 */
export async function reevaluate(deps: PromotionDependencies, run: RunRow, start: RunStart, now: string): Promise<Reevaluation> {
  const state = JSON.parse(run.state) as RunState;
  const stored = state.request as StoredRequest | undefined;
  if (stored === undefined) throw new Error(`run ${run.run_id} waits without what was asked`);
  const actor = await deps.authority.current(stored.actor, now);
  const attempt = await judge(deps, stored.facts, actor, now);
  const { facts } = attempt.read;
  const context = sagaContext(deps, attempt.read, undefined);
  const timedOut = attempt.decision.decision === 'defer' && start.defer_until !== null && start.defer_until <= now;
  const decision: DecisionBody = timedOut ? endedByTimeout(attempt.decision) : attempt.decision;
  const judged = { facts, decision, decision_digest: timedOut ? decisionDigest(decision) : attempt.decision_digest };
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
  return { unit: planned.unit, row: planned.row, state: planned.state, decision };
}
