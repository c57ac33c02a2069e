import { Problem } from '@govctl/core/api';
import type { JobDecision, JobRow, JobRun, JobStepRow } from '@govctl/core/job';
import type { RunRow, RunState } from '@govctl/core/promotion';
import { type Database, query } from '../db/index.ts';
import { activeSet } from '../policy/queries.ts';
import { runById } from '../promotion/queries.ts';
import { readJobOf } from './job-cache.ts';

const jobById = query<{ run_id: string }, JobRow>('job by id', 'SELECT * FROM job WHERE run_id = :run_id');

const stepsOfRun = query<{ run_id: string }, JobStepRow>(
  'steps of run',
  'SELECT * FROM job_step WHERE run_id = :run_id ORDER BY step_index, attempt',
);

export const promotionsAfter = query<{ job_run_id: string }, { run_id: string }>(
  'promotions after a job',
  'SELECT run_id FROM job_promotion WHERE job_run_id = :job_run_id ORDER BY run_id',
);

export type LockRow = { lock_key: string; fence: number; holder: string | null; expires_at: string | null; holder_status: string | null };
export const lockByKey = query<{ lock_key: string }, LockRow>(
  'lock by key',
  `SELECT l.lock_key, l.fence, l.holder, l.expires_at, r.status AS holder_status
   FROM lock l LEFT JOIN run r ON r.run_id = l.holder WHERE l.lock_key = :lock_key`,
);

/** A job that has not ended, with who runs it and whether its workspace is locked. */
export type OpenJobRow = {
  run_id: string;
  tenant_id: string;
  workspace: string;
  status: string;
  next_eligible_at: string | null;
  host: string | null;
  process: string | null;
  stop_asked_at: string | null;
  lock_holder: string | null;
  lock_fence: number | null;
  lock_expires_at: string | null;
};
/**
 * Jobs that a worker may have to do something about, those to be stopped first, then the oldest. What waits, and whose turn is not yet, is
 * left out: however many wait, what is new gets its turn.
 */
export const openJobs = query<{ now: string; limit: number }, OpenJobRow>(
  'open jobs',
  `SELECT r.run_id, j.tenant_id, j.workspace, r.status, r.next_eligible_at, j.host, j.process, j.stop_asked_at,
          l.holder AS lock_holder, l.fence AS lock_fence, l.expires_at AS lock_expires_at
   FROM run r JOIN job j ON j.run_id = r.run_id
   LEFT JOIN lock l ON l.lock_key = 'workspace/' || j.tenant_id || '/' || j.workspace
   WHERE r.kind = 'job' AND r.phase NOT IN ('COMPLETED', 'FAILED')
     AND (j.stop_asked_at IS NOT NULL OR j.process IS NOT NULL OR r.status NOT IN ('paused', 'deferred')
       OR (r.status = 'deferred' AND coalesce(r.next_eligible_at, '') <= :now))
   ORDER BY CASE WHEN j.stop_asked_at IS NULL THEN 1 ELSE 0 END, r.created_at, r.run_id LIMIT :limit`,
);

export const jobRows = query<
  {
    workspace: string | null;
    tenant_id: string | null;
    status: string | null;
    open: number | null;
    before: string;
    before_id: string;
    limit: number;
  },
  RunRow & { job_kind: string }
>(
  'job rows',
  `SELECT r.*, j.job_kind FROM run r JOIN job j ON j.run_id = r.run_id
   WHERE r.kind = 'job' AND (:workspace IS NULL OR r.dataset_id = :workspace) AND (:tenant_id IS NULL OR r.tenant_id = :tenant_id)
     AND (:status IS NULL OR r.status = :status) AND (:open IS NULL OR CASE WHEN r.phase IN ('COMPLETED', 'FAILED') THEN 0 ELSE 1 END = :open)
     AND r.created_at <= :before AND (r.created_at < :before OR r.run_id > :before_id)
   ORDER BY r.created_at DESC, r.run_id LIMIT :limit`,
);

export type StoredJob = { readonly run: JobRun; readonly steps: readonly JobStepRow[] };

/** A job with everything that is stored of it; undefined where there is none. */
export async function readStoredJob(database: Database, run_id: string): Promise<StoredJob | undefined> {
  const [[row], [job], steps] = await database.read([runById({ run_id }), jobById({ run_id }), stepsOfRun({ run_id })]);
  if (row === undefined || job === undefined) return undefined;
  const { job: file } = readJobOf(run_id, job.source);
  // It was read when it was accepted; a later version of govd that reads it otherwise must not guess.
  if (file === undefined)
    throw new Problem('unprocessable', { detail: `the job file of run ${run_id} is not one this govd reads`, hint: 'govctl version' });
  return { run: { row, state: JSON.parse(row.state) as RunState, job, file }, steps };
}

export type PolicySet = {
  readonly policy_rev: string | null;
  readonly policy_activation: number;
  readonly packs: readonly { name: string; version: string; digest: string }[];
};

export async function readPolicySet(database: Database): Promise<PolicySet> {
  const [[active]] = await database.read([activeSet({})]);
  if (active === undefined) return { policy_rev: null, policy_activation: 0, packs: [] };
  return { policy_rev: active.policy_rev, policy_activation: active.activation, packs: JSON.parse(active.packs) as PolicySet['packs'] };
}

/** The decision on a job, from the record that has it. */
export function decisionOf(payload: Uint8Array | null): { readonly body: JobDecision; readonly decision_digest: string } | null {
  if (payload === null) return null;
  type Stored = { readonly predicate: { readonly detail: { readonly decision: JobDecision; readonly decision_digest: string } } };
  const { detail } = (JSON.parse(Buffer.from(payload).toString('utf8')) as Stored).predicate;
  return { body: detail.decision, decision_digest: detail.decision_digest };
}
