import type { ManifestRow, StepSignal } from './manifest.ts';
import { advanceRun, type JobContext, type JobRun, type JobStep, newSegment, type RunHold, renewed, traceRow } from './run.ts';
import type { JobStepRow } from './write.ts';

/** What is known of an attempt before it runs. */
export type Beginning = Pick<JobStepRow, 'step_index' | 'attempt' | 'name' | 'host' | 'process'>;

/** What became of an attempt. */
export type Outcome = Pick<
  JobStepRow,
  'status' | 'exit_code' | 'signal' | 'output_digest' | 'output_bytes' | 'elapsed_ms' | 'cost_units' | 'reason' | 'takeaway' | 'next_action'
> & { readonly signals: readonly StepSignal[] };

const nothingYet = {
  ended_at: null,
  pid: null,
  pid_start: null,
  exit_code: null,
  signal: null,
  output_digest: null,
  output_bytes: 0,
  elapsed_ms: 0,
  cost_units: 0,
  reason: null,
  takeaway: null,
  next_action: null,
} as const;

/** An attempt is on record before it runs, so that none is ever forgotten. */
export function beginStep(run: JobRun, hold: RunHold, step: Beginning, context: JobContext): JobStep {
  const moved = newSegment(run, context);
  const row: JobStepRow = { run_id: run.row.run_id, ...step, ...nothingYet, status: 'running', started_at: context.at, signals: '[]' };
  return {
    run: moved ?? run,
    trace: [],
    unit: {
      label: 'job-step.begin',
      changes: [
        ...renewed(run, hold, context),
        ...(moved === null ? [] : [advanceRun(run, moved)]),
        { write: 'job-step.insert', values: row },
      ],
      records: [],
      events: [],
    },
  };
}

/** Not run, and why: the receipt has it all the same. */
export function skipStep(
  run: JobRun,
  hold: RunHold,
  step: Beginning,
  outcome: Pick<Outcome, 'reason' | 'takeaway' | 'next_action'>,
  context: JobContext,
): JobStep {
  const row: JobStepRow = {
    run_id: run.row.run_id,
    ...step,
    ...nothingYet,
    ...outcome,
    status: 'skipped',
    started_at: context.at,
    ended_at: context.at,
    signals: '[]',
  };
  return {
    run,
    trace: [
      traceRow(run, 'step', context.at, {
        trace_id: run.state.trace_id,
        step: step.name,
        attempt: step.attempt,
        status: 'skipped',
        reason: outcome.reason,
      }),
    ],
    unit: {
      label: 'job-step.skip',
      changes: [...renewed(run, hold, context), { write: 'job-step.insert', values: row }],
      records: [],
      events: [],
    },
  };
}

/** An attempt under way when its run ends, and what becomes of it. */
export type Unfinished = { readonly step: Beginning; readonly outcome: Outcome };

/** What becomes of an attempt whose end nobody saw: it failed, whatever it did. It cost what an attempt costs; how long it took is not known. */
export function lostOutcome({ file }: JobRun, { step_index }: Beginning, reason: string): Outcome {
  return {
    status: 'failed',
    exit_code: null,
    signal: null,
    output_digest: null,
    output_bytes: 0,
    elapsed_ms: 0,
    cost_units: file.steps[step_index]?.cost_units ?? 0,
    reason,
    takeaway: null,
    next_action: null,
    signals: [],
  };
}

/** The rows as they are once these attempts have ended. */
export function withEnds(rows: readonly JobStepRow[], ends: readonly Unfinished[], at: string): JobStepRow[] {
  return rows.map((row) => {
    const end = ends.find(({ step }) => step.step_index === row.step_index && step.attempt === row.attempt);
    return end === undefined ? row : { ...row, ...end.outcome, ended_at: at, signals: JSON.stringify(end.outcome.signals) };
  });
}

/** The end of an attempt, and the span of it in the trace. */
export function attemptEnd(run: JobRun, step: Beginning, outcome: Outcome, { at }: JobContext) {
  const { step_index, attempt, name } = step;
  const { signals, ...rest } = outcome;
  const { status, elapsed_ms, exit_code, reason } = rest;
  const values = { run_id: run.row.run_id, step_index, attempt, ...rest, ended_at: at, signals: JSON.stringify(signals) };
  return {
    change: { write: 'job-step.end' as const, values },
    trace: traceRow(run, 'step', at, { trace_id: run.state.trace_id, step: name, attempt, status, elapsed_ms, exit_code, reason }),
  };
}

/** What became of an attempt. */
export function endStep(run: JobRun, hold: RunHold, step: Beginning, outcome: Outcome, context: JobContext): JobStep {
  const { change, trace } = attemptEnd(run, step, outcome, context);
  return {
    run,
    trace: [trace],
    unit: { label: 'job-step.end', changes: [...renewed(run, hold, context), change], records: [], events: [] },
  };
}

/** The receipt of each step that ended: its last attempt, in the order of the job. */
export function manifestRows(rows: readonly JobStepRow[]): ManifestRow[] {
  const byStep = new Map<number, JobStepRow[]>();
  for (const row of rows) byStep.set(row.step_index, [...(byStep.get(row.step_index) ?? []), row]);
  return [...byStep]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([, attempts]) => {
      const [first] = attempts;
      const last = attempts.toSorted((a, b) => a.attempt - b.attempt).at(-1);
      if (first === undefined || last === undefined || last.ended_at === null || last.status === 'running') return [];
      const signals = JSON.parse(last.signals) as StepSignal[];
      return [
        {
          step: last.name,
          status: last.status as ManifestRow['status'],
          started: first.started_at,
          ended: last.ended_at,
          exit_code: last.exit_code,
          output_digest: last.output_digest,
          ...(last.reason === null ? {} : { reason: last.reason }),
          ...(last.takeaway === null ? {} : { takeaway: last.takeaway }),
          ...(last.next_action === null ? {} : { next_action: last.next_action }),
          ...(signals.length === 0 ? {} : { signals }),
        },
      ];
    });
}

/** What a run has used of its limits. */
export function usedBy(rows: readonly JobStepRow[]): { readonly steps: number; readonly seconds: number; readonly cost_units: number } {
  return {
    steps: new Set(rows.filter(({ status }) => status !== 'skipped').map(({ step_index }) => step_index)).size,
    seconds: rows.reduce((sum, { elapsed_ms }) => sum + elapsed_ms, 0) / 1000,
    cost_units: rows.reduce((sum, { cost_units }) => sum + cost_units, 0),
  };
}
