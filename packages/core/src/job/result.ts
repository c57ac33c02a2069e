import type { RecordDraft } from '../evidence/statement.ts';
import type { Actor } from '../identity/actor.ts';
import { runResult } from '../promotion/run-record.ts';
import { type JobContext, type JobRun, traceRow } from './run.ts';
import type { TraceRow } from './write.ts';

type Said = {
  readonly previous: string | null;
  readonly decision_ref: string | null;
  readonly manifest_digest: string | null;
  readonly reason: string;
  readonly actor?: Pick<Actor, 'actor_id' | 'authenticated_by'>;
};

/** How a job ended, on record: one a run. */
export function resultRecord({ row, job }: JobRun, context: JobContext, { actor, ...said }: Said): RecordDraft {
  return runResult(row, { digest: job.job_digest, ...said }, actor ?? (JSON.parse(job.actor) as Actor), context.at, context);
}

/** The run as it ended, pointing at the record of its end. */
export function withResult(run: JobRun, { ref }: RecordDraft): JobRun {
  return { ...run, row: { ...run.row, evidence_ref: ref } };
}

export function endOfTrace(run: JobRun, { at }: JobContext): TraceRow {
  const { row, state } = run;
  return traceRow(run, 'end', at, { trace_id: state.trace_id, phase: row.phase, status: row.status });
}
