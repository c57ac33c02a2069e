import type { RunState } from '../promotion/run-state.ts';
import { crossedEvents, crossedWait, withCrossed } from '../run/threshold.ts';
import { advanceRun, type JobContext, type JobRun, type JobStep, jobEvents, moveRun, type RunHold, renewed } from './run.ts';
import { decisionRecord, evaluated, type JudgedJob, judgedEvents, withDecision } from './verdict.ts';

/** When a deferred job is asked again, and how long it may wait in all. */
export type DeferLimits = { readonly again_ms: number; readonly max_ms: number };

/** It waits: a rule said not yet. The lock is given back meanwhile; thresholds of its wait are told of, each once. */
export function deferJob(run: JobRun, hold: RunHold, judged: JudgedJob, limits: DeferLimits, context: JobContext): JobStep {
  const waiting_on = judged.decision.waiting_on ?? [];
  // The same answer again is not recorded again.
  const again = run.row.decision_ref !== null && run.state.waiting_on?.join() === waiting_on.join();
  const decided = again ? null : decisionRecord(run, judged, context);
  const acked = decided === null || run.state.acks.some(({ domain }) => domain === 'policies');
  const acks = acked ? [] : evaluated(judged, decided.ref, context);
  const moved = moveRun(run, context, ['defer'], acks, { waiting_on });
  // Nor does it grow the run: asked once a minute for a day, it would be written whole each time.
  const waits = again ? { ...moved, state: { ...moved.state, phases: beforeAskedAgain(moved.state.phases) } } : moved;
  const later = (ms: number) => new Date(Date.parse(context.at) + ms).toISOString();
  const defer_until = run.row.defer_until ?? later(limits.max_ms);
  const next = later(limits.again_ms);
  // A job may have run for long before: what counts is how long it has been waiting.
  const since = waits.state.phases.find(({ event }) => event === 'defer')?.at ?? context.at;
  const crossed = crossedWait(since, defer_until, context.at, run.state.thresholds);
  const state = withCrossed(waits.state, crossed);
  const stays = { ...waits, state, row: { ...waits.row, state: JSON.stringify(state) } };
  const { row } = withDecision(stays, judged, decided?.ref ?? run.row.decision_ref ?? '');
  const deferred = { ...stays, row: { ...row, next_eligible_at: [next, defer_until].sort()[0] ?? next, defer_until } };
  return {
    run: deferred,
    trace: [],
    unit: {
      label: 'job.defer',
      changes: [
        ...renewed(run, hold, context),
        advanceRun(run, deferred),
        { write: 'job.claim', values: { run_id: run.row.run_id, host: null, process: null } },
        { write: 'lock.release', values: hold },
      ],
      records: decided === null ? [] : [decided],
      events: jobEvents(deferred, context, [...(decided === null ? [] : judgedEvents(judged, decided.ref)), ...crossedEvents(crossed)]),
    },
  };
}

/** Without the question and the same answer to it: it waits since it was first deferred. */
function beforeAskedAgain(phases: RunState['phases']): RunState['phases'] {
  const [waited, asked] = phases.slice(-3);
  return waited?.event === 'defer' && asked?.event === 'requeue' ? phases.slice(0, -2) : phases;
}

/** A deferred job is asked again. */
export function requeueJob(run: JobRun, hold: RunHold, context: JobContext): JobStep {
  const moved = moveRun(run, context, ['requeue'], []);
  return {
    run: moved,
    trace: [],
    unit: { label: 'job.requeue', changes: [...renewed(run, hold, context), advanceRun(run, moved)], records: [], events: [] },
  };
}
