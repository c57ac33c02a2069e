import { Problem, schemaVersion } from '@govctl/core/api';
import { canonicalJson, digestOf } from '@govctl/core/evidence';
import { type ActivationDecision, type ActivationFacts, type CandidateRow, decideActivation } from '@govctl/core/handoff';
import { type CoverageReading, lastPoll, readCoverage } from './coverage.ts';
import type { HandoffDependencies } from './handler-port.ts';
import { candidateByKey, candidateEvents, eventTypeActive, openQuarantine, ospaCount } from './queries.ts';
import { withBirths } from './request.ts';

const objectBorn = 'handoff.object_born';

/** Facts of an activation and the kernel's decision, from one snapshot. */
export async function judgeActivation(deps: HandoffDependencies, objectKey: string, now: string) {
  const { database, queries } = deps;
  const [candidates, ospa, types, events, cursors, missing, quarantine] = await withBirths(() =>
    database.read([
      candidateByKey({ object_key: objectKey }),
      ospaCount({ object_key: objectKey }),
      eventTypeActive({ event_type: objectBorn }),
      candidateEvents({ object_key: objectKey }),
      queries.cursorStatus({}),
      queries.missingSinceAudit({}),
      openQuarantine({}),
    ]),
  );
  const candidate = requireCandidate(candidates[0], objectKey);
  const { evidence, coverage }: CoverageReading = readCoverage({ cursors, missing, quarantine }, now, deps.blocker());
  const facts: ActivationFacts = {
    as_of: now,
    object_key: objectKey,
    candidate,
    ospa_count: ospa[0]?.ospa_count ?? 0,
    coverage: { state: coverage.state, reason: coverage.reason, lag_rows: evidence.lag_rows, last_poll_at: lastPoll(evidence) },
    event_type: {
      event_type: objectBorn,
      active: types[0]?.active === 1,
      pending_of_object: events.filter((event) => event.delivery === 'pending').length,
    },
  };
  return { facts, decision: decideActivation(facts), low_water_sum: cursors.reduce((sum, cursor) => sum + cursor.position, 0) };
}

/** The decision, as it is answered. */
export function activationDecision(decision: ActivationDecision, more: { readonly dry_run: boolean; readonly already: boolean }) {
  return {
    schemaVersion,
    kind: 'CandidateDecision' as const,
    ...decision,
    decision_digest: digestOf(canonicalJson(decision)),
    ...more,
  };
}

/** @throws Problem `not-found` */
export function requireCandidate(row: CandidateRow | undefined, objectKey: string): CandidateRow {
  if (row !== undefined) return row;
  throw new Problem('not-found', { detail: `no candidate ${objectKey}: handoff has not seen it born`, hint: 'govctl candidate ls' });
}
