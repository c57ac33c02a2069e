import { voidRest } from '../audit/expectation.ts';
import type { RecordDraft } from '../evidence/statement.ts';
import type { Actor } from '../identity/actor.ts';
import { openIncident } from '../incident/incident.ts';
import type { Lesson } from '../incident/lesson.ts';
import { traceCompleted } from '../promotion/event.ts';
import type { RunState } from '../promotion/run-state.ts';
import { ack } from '../promotion/saga/step.ts';
import type { LostTrace } from '../run/observability.ts';
import { endOfTrace, resultRecord, withResult } from './result.ts';
import { advanceRun, type JobContext, type JobRun, type JobStep, jobEvents, kindFact, moveRun, type RunHold, renewed } from './run.ts';
import { attemptEnd, type Unfinished } from './step.ts';
import { decisionRecord, evaluated, type JudgedJob, judgedEvents, withDecision } from './verdict.ts';

/** How a run ends that does not succeed. */
export type Ending = {
  readonly event: 'error' | 'cancel' | 'deny';
  readonly status: 'failed' | 'cancelled' | 'failed_policy';
  readonly reason: string;
  readonly manifest_digest: string | null;
  /** What ended it, for rules of alerting. */
  readonly error_code?: 'budget-exceeded' | 'tenant-suspended' | 'pause-timeout';
  /** Its trace could not be written, and it may not go on without. */
  readonly lost?: LostTrace;
  /** Who ended it, where somebody did. */
  readonly by?: Pick<Actor, 'actor_id' | 'authenticated_by'>;
  /** Attempts that were under way: with the run they end too. */
  readonly unfinished?: readonly Unfinished[];
};
type Verdict = { readonly judged: JudgedJob; readonly decided: RecordDraft };

/** The end of a run that did not succeed: it owes its end and nothing else. `hold` is null where it never ran and holds nothing. */
export function endRun(run: JobRun, hold: RunHold | null, context: JobContext, ending: Ending): JobStep {
  return ended(run, hold, context, ending, null);
}

/** Denied by the packs that judge it: its outputs become nothing. */
export function denyJob(run: JobRun, hold: RunHold, judged: JudgedJob, context: JobContext): JobStep {
  const failing = judged.decision.gates.filter(({ outcome }) => outcome === 'fail').map(({ code }) => code);
  const ending: Ending = {
    event: 'deny',
    status: 'failed_policy',
    reason: `denied by ${failing.length === 0 ? 'the time it waited' : failing.join(', ')}`,
    manifest_digest: judged.facts.job.manifest_digest,
  };
  return ended(run, hold, context, ending, { judged, decided: decisionRecord(run, judged, context) });
}

function ended(run: JobRun, hold: RunHold | null, context: JobContext, ending: Ending, verdict: Verdict | null): JobStep {
  const { event, status, reason, manifest_digest, by, unfinished = [] } = ending;
  const { run_id } = run.row;
  const incident = incidentOfEnd(run, context, ending, verdict);
  const moved = endedState(run, context, ending, verdict, incident);
  const { decision_ref } = moved.row;
  const said = { previous: decision_ref, decision_ref, manifest_digest, reason, ...(by === undefined ? {} : { actor: by }) };
  const result = resultRecord(moved, context, said);
  const after = withResult(moved, result);
  const attempts = unfinished.map(({ step, outcome }) => attemptEnd(run, step, outcome, context));
  const { trace_id } = run.state;
  return {
    run: after,
    trace: [...attempts.map(({ trace }) => trace), endOfTrace(after, context)],
    unit: {
      label: `job.${event}`,
      changes: [
        ...(hold === null ? [] : renewed(run, hold, context)),
        ...attempts.map(({ change }) => change),
        advanceRun(run, after),
        { write: 'job.finish', values: { run_id, manifest_digest, result_ref: result.ref, outputs: '[]', unless_stopped: 0 } },
        ...(hold === null ? [] : [{ write: 'lock.release' as const, values: hold }]),
        ...(incident?.changes ?? []),
      ],
      records: [
        ...(verdict === null ? [] : [verdict.decided]),
        result,
        ...kindFact(run, context, 'completed', { status, manifest_digest, outputs: [] }),
      ],
      events: [
        ...jobEvents(after, context, [
          ...(verdict === null ? [] : judgedEvents(verdict.judged, verdict.decided.ref)),
          ['operations.job.failed', { status, reason }],
          ['run.failed', { status, reason, decision_ref, incident_id: incident?.incident_id ?? null, trace_id }],
          traceCompleted(after.state, 'job'),
        ]),
        ...(incident?.events ?? []),
      ],
    },
  };
}

type Incident = ReturnType<typeof openIncident>;

/** What somebody asked for is no incident. */
function incidentOfEnd(run: JobRun, context: JobContext, ending: Ending, verdict: Verdict | null): Incident | null {
  const { event, status, reason } = ending;
  if (event === 'cancel') return null;
  const { run_id, tenant_id, dataset_id } = run.row;
  return openIncident(
    { error_code: errorCode(ending, verdict), severity: event === 'deny' ? 'medium' : 'high', reason },
    { run_id, tenant_id, dataset_id, layer: null, run_status: status, environment: context.environment, time: context.at },
  );
}

function endedState(run: JobRun, context: JobContext, ending: Ending, verdict: Verdict | null, incident: Incident | null): JobRun {
  const { event, status, reason, manifest_digest, lost } = ending;
  const acks = [
    ...(verdict === null ? [] : evaluated(verdict.judged, verdict.decided.ref, context)),
    ...(incident === null ? [] : [incident.ack]),
    ack('orchestrator', 'finalize_run', status, manifest_digest, context.at),
  ];
  const { waiting_on: _waiting, pause: _pause, ...kept } = run.state;
  const plain = moveRun({ ...run, state: kept }, context, [event], acks, {
    reason,
    ...(incident === null ? {} : { incident_id: incident.incident_id, lesson: lessonOf(run.row.run_id, ending, verdict) }),
    ...lost?.mark,
  });
  const state: RunState = { ...plain.state, expectations: voidRest(plain.state.expectations) };
  const moved = { ...plain, state, row: { ...plain.row, next_eligible_at: null, state: JSON.stringify(state) } };
  return verdict === null ? moved : withDecision(moved, verdict.judged, verdict.decided.ref);
}

/** Stable: rules of alerting name it. */
function errorCode({ event, error_code, lost }: Ending, verdict: Verdict | null): string {
  if (lost !== undefined) return 'trace-lost';
  if (event === 'deny') return verdict?.judged.decision.decided_by === 'timeout' ? 'timed-out' : 'denied';
  return error_code ?? 'run-failed';
}

/** Its output says nothing of a limit, and the same file would end at it again. */
const raiseLimit = 'Raise that limit in the job file (limits), or let its steps take less, then submit it again.';

function lessonOf(run_id: string, { event, error_code, reason, manifest_digest, lost }: Ending, verdict: Verdict | null): Lesson {
  if (lost !== undefined) return { run_id, cause: reason, next_action: 'govctl doctor' };
  if (error_code === 'budget-exceeded') return { run_id, cause: reason, next_action: raiseLimit };
  // Nothing was wrong with it that its output could show.
  if (error_code === 'pause-timeout') return { run_id, cause: reason, next_action: `govctl run rerun ${run_id}` };
  const failing = verdict?.judged.decision.gates.find(({ outcome, resolve }) => outcome === 'fail' && resolve !== null);
  const look = manifest_digest === null ? `govctl run get ${run_id}` : `govctl run logs ${run_id}`;
  return { run_id, cause: reason, next_action: event === 'deny' ? (failing?.resolve?.command ?? look) : look };
}
