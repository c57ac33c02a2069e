import { openIncident } from '../incident/incident.ts';
import type { Change } from '../journal/change.ts';
import { untracedEvents } from '../promotion/event.ts';
import type { RunState } from '../promotion/run-state.ts';
import type { LostTrace } from '../run/observability.ts';
import { isEnded, type Phase } from '../run/phase.ts';
import { endRun } from './end.ts';
import { advanceRun, type JobContext, type JobRun, type JobStep, moveRun, type RunHold } from './run.ts';

/** Whether a step whose trace cannot be written is taken all the same: a run that ends badly anyway ends as it does. */
export function goesOnUntraced(step: JobStep, { goes_on }: LostTrace): boolean {
  return goes_on || step.run.row.phase === 'FAILED';
}

/**
 * The step without its trace: the run is marked, nobody acknowledges a trace that is not there, and it is an incident, told of once.
 *
 * @param before the run as it is stored now
 * @param told whether the incident is open already
 */
export function untraced(before: JobRun, step: JobStep, lost: LostTrace, told: boolean, context: JobContext): JobStep {
  const advanced = step.unit.changes.some(({ write }) => write === 'run.advance');
  const marked = before.state.observability_status === lost.mark?.observability_status;
  const after = advanced ? step.run : lost.mark === null || marked ? null : moveRun(before, context, [], []);
  const state = after === null ? null : unacknowledged({ ...after.state, ...lost.mark }, step);
  const run = after === null || state === null ? step.run : { ...after, state, row: { ...after.row, state: JSON.stringify(state) } };
  const changes = step.unit.changes.map((change) => (change.write === 'run.advance' ? advanceRun(before, run) : change));
  const incident = incidentOf(run, lost, context);
  return {
    run,
    trace: [],
    unit: {
      ...step.unit,
      changes: [...changes, ...(advanced || after === null ? [] : [advanceRun(before, run)]), ...(told ? [] : incident.changes)],
      events: [...untracedEvents(step.unit.events), ...(told ? [] : incident.events)],
    },
  };
}

/** The end of a run that may not go on in the dark. An attempt that ended meanwhile is on record; nothing else of the step happened. */
export function endUntraced(
  before: JobRun,
  hold: RunHold,
  step: JobStep,
  lost: LostTrace,
  manifest_digest: string | null,
  context: JobContext,
): JobStep {
  const ended = endRun(before, hold, context, { event: 'error', status: 'failed', reason: lost.reason, manifest_digest, lost });
  const [renewal, ...rest] = ended.unit.changes;
  return {
    run: ended.run,
    trace: [],
    unit: {
      ...ended.unit,
      changes: [...(renewal === undefined ? [] : [renewal]), ...attemptsOf(step), ...rest],
      events: untracedEvents(ended.unit.events),
    },
  };
}

type AttemptChange = Extract<Change, { readonly write: 'job-step.insert' | 'job-step.end' }>;

/** What a step says of attempts. */
export function attemptsOf({ unit }: JobStep): AttemptChange[] {
  return unit.changes.filter((change) => change.write === 'job-step.insert' || change.write === 'job-step.end');
}

export function incidentOf({ row }: JobRun, { reason }: Pick<LostTrace, 'reason'>, { environment, at }: JobContext) {
  const { run_id, tenant_id, dataset_id, phase, status } = row;
  const run_status = isEnded(phase as Phase) ? status : null;
  return openIncident(
    { error_code: 'trace-lost', severity: 'high', reason },
    { run_id, tenant_id, dataset_id, layer: null, run_status, environment, time: at },
  );
}

/** Without the acknowledgement of a trace that was never begun. */
function unacknowledged(state: RunState, { trace }: JobStep): RunState {
  if (!trace.some(({ kind }) => kind === 'start')) return state;
  const started = ({ domain, action }: { readonly domain: string; readonly action: string }) =>
    domain === 'logs' && action === 'start_trace';
  return {
    ...state,
    acks: state.acks.filter((ack) => !started(ack)),
    expectations: state.expectations.map((one) => (started(one) ? { ...one, status: 'PENDING' as const } : one)),
  };
}
