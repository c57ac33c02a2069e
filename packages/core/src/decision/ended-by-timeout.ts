import type { DecisionBody } from './decision.ts';

/** What was waited for did not come: the gates stay as they were judged, and the verdict is the timeout's, never a person's. */
export function endedByTimeout(decision: DecisionBody): DecisionBody {
  const { next_eligible_at: _next, waiting_on: _waiting, then: _then, ...rest } = decision;
  return { ...rest, decision: 'deny', decided_by: 'timeout' };
}
