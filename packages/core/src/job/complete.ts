import type { RecordDraft } from '../evidence/statement.ts';
import type { Change } from '../journal/change.ts';
import { traceCompleted } from '../promotion/event.ts';
import { ack } from '../promotion/saga/step.ts';
import { endOfTrace, resultRecord, withResult } from './result.ts';
import {
  advanceRun,
  type JobContext,
  type JobRun,
  type JobStep,
  jobEvents,
  kindFact,
  moveRun,
  type OutputSnapshot,
  type RunHold,
  renewed,
} from './run.ts';
import { decisionRecord, evaluated, type JudgedJob, judgedEvents, withDecision } from './verdict.ts';

/** What the outputs of an allowed job do to the store: their snapshots, recorded. */
export type Registration = { readonly changes: readonly Change[]; readonly records: readonly RecordDraft[] };

/** Allowed: outputs become snapshots, the end is on record, the lock is given back, in one commit. Not where its end was asked for meanwhile. */
export function completeJob(
  run: JobRun,
  hold: RunHold,
  judged: JudgedJob,
  outputs: readonly OutputSnapshot[],
  registered: Registration,
  context: JobContext,
): JobStep {
  const decided = decisionRecord(run, judged, context);
  const manifest_digest = judged.facts.job.manifest_digest;
  const acks = [
    ...evaluated(judged, decided.ref, context),
    ack('incidents', 'create_incident', null, null, context.at),
    ack('orchestrator', 'finalize_run', 'succeeded', manifest_digest, context.at),
  ];
  const moved = withDecision(moveRun(run, context, ['allow', 'commit'], acks), judged, decided.ref);
  const result = resultRecord(moved, context, {
    previous: decided.ref,
    decision_ref: decided.ref,
    manifest_digest,
    reason: 'every step ended, and its result was allowed',
  });
  const ended = withResult(moved, result);
  const snapshots = outputs.map(({ snapshot_id }) => snapshot_id);
  return {
    run: ended,
    trace: [endOfTrace(ended, context)],
    unit: {
      label: 'job.complete',
      changes: [
        ...renewed(run, hold, context),
        advanceRun(run, ended),
        ...registered.changes,
        {
          write: 'job.finish',
          values: {
            run_id: run.row.run_id,
            manifest_digest,
            result_ref: result.ref,
            outputs: JSON.stringify(outputs),
            unless_stopped: 1,
          },
        },
        { write: 'lock.release', values: hold },
      ],
      records: [
        decided,
        ...registered.records,
        result,
        ...kindFact(run, context, 'completed', { status: 'succeeded', manifest_digest, outputs: snapshots }),
      ],
      events: jobEvents(ended, context, [
        ...judgedEvents(judged, decided.ref),
        ['operations.job.completed', { status: 'succeeded', manifest_digest }],
        ['run.completed', { incident_id: null, policy_eval_id: decided.ref, trace_id: run.state.trace_id }],
        traceCompleted(run.state, 'job'),
      ]),
    },
  };
}
