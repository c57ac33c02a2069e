import { settle } from '../../audit/expectation.ts';
import { crossedEvents, crossedWait, firstWaitMark, withCrossed } from '../../run/threshold.ts';
import { eventsOf } from '../event.ts';
import type { RunState } from '../run-state.ts';
import {
  decisionDraft,
  type Judged,
  judgedEvents,
  opening,
  type Planned,
  type RunStart,
  rowOf,
  runChange,
  type SagaContext,
  scopeOf,
  segmentsOf,
  walk,
  withPolicyAck,
} from './step.ts';

/** Deferred: a promise to ask again, at a stated time and until a stated time. No lock is held meanwhile. */
export function defer(
  start: RunStart,
  judged: Judged,
  context: SagaContext,
  limits: { readonly max_ms: number; readonly min_interval_ms: number },
): Planned {
  const { decision, facts } = judged;
  const at = facts.as_of;
  const waiting = decision.waiting_on ?? [];
  const people = saidByPeople(judged);
  // The same answer for the same reasons is not news: only the time of the next question moves. That somebody approved is news.
  const again =
    start.decision_ref !== null &&
    start.state.waiting_on?.join() === waiting.join() &&
    (start.state.said_by_people ?? []).join() === people.join();
  const decisionRecord = again ? null : decisionDraft(start, judged, context);
  const decisionRef = decisionRecord?.ref ?? start.decision_ref;
  const defer_until = start.defer_until ?? new Date(Date.parse(at) + limits.max_ms).toISOString();
  const soonest = new Date(Date.parse(at) + limits.min_interval_ms).toISOString();
  const wanted = decision.next_eligible_at ?? soonest;
  const latest = [wanted, soonest].sort()[1] ?? soonest;
  const { created_at } = start.row;
  const mark = firstWaitMark(created_at, defer_until);
  const next = [latest, defer_until, ...(mark > soonest ? [mark] : [])].sort()[0] ?? soonest;
  const crossed = crossedWait(created_at, defer_until, at, start.state.thresholds);
  const acks = decisionRecord === null ? start.state.acks : withPolicyAck(start, decisionRecord.ref, judged);
  const { said_by_people: _before, ...kept } = start.state;
  const waits: RunState = {
    ...kept,
    phases: again ? start.state.phases : walk(start.state.phases, start.revision === null ? ['defer'] : ['requeue', 'defer'], at),
    acks,
    expectations: settle(start.state.expectations, acks),
    segments: segmentsOf(start, facts, context),
    waiting_on: waiting,
    ...(people.length === 0 ? {} : { said_by_people: people }),
  };
  const state = withCrossed(waits, crossed);
  const row = {
    ...rowOf(start, state, judged, context, { decision_ref: decisionRef, evidence_ref: null }),
    next_eligible_at: next,
    defer_until,
  };
  return {
    row,
    state,
    decision,
    decision_digest: judged.decision_digest,
    unit: {
      label: again ? 'promotion.still-deferred' : 'promotion.defer',
      changes: [runChange(start, row)],
      records: decisionRecord === null ? [] : [decisionRecord],
      events: eventsOf(scopeOf(facts, start.row, context), [
        ...(decisionRecord === null ? [] : [...opening(start), ...judgedEvents(judged, decisionRecord.ref)]),
        ...crossedEvents(crossed),
      ]),
    },
  };
}

function saidByPeople({ decision }: Judged): string[] {
  return decision.gates
    .filter(({ code, outcome, reason_code }) => (code === 'approvals' && outcome === 'defer') || reason_code === 'override-awaited')
    .map(({ reason }) => reason);
}
