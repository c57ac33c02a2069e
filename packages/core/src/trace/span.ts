import { createHash } from 'node:crypto';
import type { EventDraft } from '../event/event.ts';
import type { TraceRow } from '../job/write.ts';
import type { Unit } from '../journal/unit.ts';
import type { RunState } from '../promotion/run-state.ts';

type SpanAttributes = Readonly<Record<string, string | number | null>>;

/** A stretch of a run: the whole of it, a phase, or an attempt of a step. */
export type Span = {
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly name: string;
  readonly start: string;
  readonly end: string;
  /** Why it failed; null where it did not. A verdict is no failure. */
  readonly error: string | null;
  readonly attributes: SpanAttributes;
};

/** Of a run that waits and is asked for weeks, its newest: a trace is for looking at. */
const phaseLimit = 128;

/** Ids come from what they name: whoever reads a run anew comes to the same ones. */
function spanId(run_id: string, part: string): string {
  return createHash('sha256').update(`${run_id}\n${part}`).digest('hex').slice(0, 16);
}

/**
 * The spans that are over with this unit: of a job's step when its attempt ends, of a run and its phases when it ends. Pure, and from the unit
 * alone: a unit whose trace could not be written has none.
 */
export function spansOf({ changes, events }: Unit): Span[] {
  const steps = changes.flatMap((change) =>
    change.write === 'trace.append' && change.values.kind === 'step' ? stepSpan(change.values) : [],
  );
  const ended = events.find(({ type }) => type === 'trace.completed');
  const run = changes.find((change) => change.write === 'run.insert' || change.write === 'run.advance');
  if (ended?.run_id == null || run === undefined) return steps;
  return [...steps, ...runSpans(ended, ended.run_id, run.values)];
}

type StepBody = {
  readonly trace_id: string;
  readonly step: string;
  readonly attempt: number;
  readonly status: string;
  readonly elapsed_ms?: number;
  readonly exit_code?: number | null;
  readonly reason?: string | null;
};

function stepSpan({ run_id, at, body }: TraceRow): Span[] {
  const { trace_id, step, attempt, status, elapsed_ms = 0, exit_code = null, reason = null } = JSON.parse(body) as StepBody;
  return [
    {
      trace_id,
      span_id: spanId(run_id, `step ${step} ${attempt}`),
      parent_span_id: spanId(run_id, 'run'),
      name: `step ${step}`,
      start: new Date(Date.parse(at) - elapsed_ms).toISOString(),
      end: at,
      error: status === 'failed' ? (reason ?? status) : null,
      attributes: {
        'govctl.run_id': run_id,
        'govctl.step': step,
        'govctl.attempt': attempt,
        'govctl.status': status,
        'govctl.exit_code': exit_code,
      },
    },
  ];
}

type RunValues = {
  readonly status: string;
  readonly state: string;
  readonly decision: string | null;
  readonly decision_ref: string | null;
};

function runSpans(ended: EventDraft, run_id: string, { status, state, decision, decision_ref }: RunValues): Span[] {
  const { trace_id, phases, reason } = JSON.parse(state) as RunState;
  const [first] = phases;
  const last = phases.at(-1);
  if (first === undefined || last === undefined) return [];
  const root = spanId(run_id, 'run');
  const whole: Span = {
    trace_id,
    span_id: root,
    parent_span_id: parentIn(ended.traceparent, trace_id),
    name: `${String(ended.data.kind)} ${ended.dataset_id ?? run_id}`,
    start: first.at,
    end: last.at,
    error: status === 'failed' ? (reason ?? status) : null,
    attributes: {
      'govctl.run_id': run_id,
      'govctl.kind': String(ended.data.kind),
      'govctl.tenant_id': ended.tenant_id,
      'govctl.dataset_id': ended.dataset_id,
      'govctl.layer': ended.layer,
      'govctl.status': status,
      'govctl.decision': decision,
      'govctl.decision_ref': decision_ref,
    },
  };
  const spans = phases.slice(0, -1).map((entered, n): Span => {
    const left = phases[n + 1] ?? last;
    return {
      trace_id,
      span_id: spanId(run_id, `phase ${n}`),
      parent_span_id: root,
      name: entered.phase,
      start: entered.at,
      end: left.at,
      error: null,
      attributes: { 'govctl.run_id': run_id, 'govctl.status': entered.status, 'govctl.left_by': left.event },
    };
  });
  return [...spans.slice(-phaseLimit), whole];
}

/** The span of whoever asked, where the trace is theirs. */
function parentIn(traceparent: string | undefined, trace_id: string): string | null {
  const [, trace, parent] = traceparent?.split('-') ?? [];
  return trace === trace_id && parent !== undefined ? parent : null;
}
