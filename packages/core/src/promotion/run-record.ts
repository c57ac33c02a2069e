import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { RunRow } from './write.ts';

/** In whose name something is done to a run. */
export type ActingParty = { readonly actor_id: string; readonly authenticated_by: string };

type Where = { readonly environment: string; readonly service_release_id: string; readonly salt: () => string };

/** What every record about a run begins with: where it was written, in whose name, and which record came before it. */
export function recordHead(
  { environment, service_release_id, salt }: Where,
  { actor_id, authenticated_by }: ActingParty,
  previous: string | null,
) {
  return { environment, service_release_id, actor: { actor_id, authenticated_by }, salt: salt(), previous };
}

/** Whose a record is, and from when. */
export function recordOwner({ run_id, tenant_id, dataset_id }: Pick<RunRow, 'run_id' | 'tenant_id' | 'dataset_id'>, recorded_at: string) {
  return { run_id, tenant_id, dataset_id, recorded_at };
}

type Ended = {
  /** Digest of what was asked for: of a request, or of a job file. */
  readonly digest: string;
  readonly previous: string | null;
  readonly decision_ref: string | null;
  readonly manifest_digest: string | null;
  readonly reason: string;
};

/** How a run ended that moved no pointer, on record: one a run. */
export function runResult(row: RunRow, { digest, previous, ...said }: Ended, by: ActingParty, at: string, where: Where): RecordDraft {
  return draftRecord({
    kind: 'run-result',
    subject: [subjectOf(`run/${row.run_id}`, digest)],
    predicate: { ...recordHead(where, by, previous), run_kind: row.kind, phase: row.phase, status: row.status, ...said },
    ...recordOwner(row, at),
  });
}
