import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { Actor } from '../identity/actor.ts';
import { type JobContext, type JobRun, traceRow } from './run.ts';
import type { TraceRow } from './write.ts';

type Said = {
  readonly previous: string | null;
  readonly decision_ref: string | null;
  readonly manifest_digest: string | null;
  readonly reason: string;
  readonly actor?: Pick<Actor, 'actor_id' | 'authenticated_by'>;
};

/** How a run ended, on record: one a run. */
export function resultRecord({ row, job }: JobRun, context: JobContext, said: Said): RecordDraft {
  const actor = said.actor ?? (JSON.parse(job.actor) as Actor);
  return draftRecord({
    kind: 'run-result',
    subject: [subjectOf(`run/${row.run_id}`, job.job_digest)],
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt: context.salt(),
      previous: said.previous,
      run_kind: 'job',
      phase: row.phase,
      status: row.status,
      decision_ref: said.decision_ref,
      manifest_digest: said.manifest_digest,
      reason: said.reason,
    },
    run_id: row.run_id,
    tenant_id: row.tenant_id,
    dataset_id: row.dataset_id,
    recorded_at: context.at,
  });
}

/** The run as it ended, pointing at the record of its end. */
export function withResult(run: JobRun, { ref }: RecordDraft): JobRun {
  return { ...run, row: { ...run.row, evidence_ref: ref } };
}

export function endOfTrace(run: JobRun, { at }: JobContext): TraceRow {
  const { row, state } = run;
  return traceRow(run, 'end', at, { trace_id: state.trace_id, phase: row.phase, status: row.status });
}
