import { Problem } from '@govctl/core/api';
import type { Facts, JobFact } from '@govctl/core/decision';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { type Database, query } from '../db/index.ts';
import { runById } from './queries.ts';

type JobRow = { phase: string; status: string; state: string; result_ref: string | null; facts: string | null };

/** A job as it stands, with the facts that it was judged on. */
const jobBefore = query<{ run_id: string }, JobRow>(
  'job before a promotion',
  `SELECT r.phase, r.status, r.state, j.result_ref, f.facts FROM run r JOIN job j ON j.run_id = r.run_id
   LEFT JOIN record d ON d.ref = r.decision_ref LEFT JOIN decision_facts f ON f.leaf_index = d.leaf_index WHERE r.run_id = :run_id`,
);

/** What a promotion knows of the job it comes after. A job that is gone never succeeded. */
export async function jobFacts(database: Database, run_id: string | null | undefined): Promise<Pick<Facts, 'job' | 'job_run'>> {
  if (run_id == null) return {};
  const [[row]] = await database.read([jobBefore({ run_id })]);
  if (row === undefined) return { job_run: { run_id, phase: 'UNKNOWN', status: 'unknown', reason: null, result_ref: null } };
  const { phase, status, result_ref } = row;
  const { reason = null } = JSON.parse(row.state) as { readonly reason?: string };
  const job_run = { run_id, phase, status, reason, result_ref };
  if (phase !== 'COMPLETED' || row.facts === null) return { job_run };
  const { job } = JSON.parse(row.facts) as { readonly job: JobFact };
  return { job_run, job: { ...job, result_ref } };
}

/** @throws Problem `not-found` where the tenant has no such job, or the actor may not see it */
export async function requireJob(
  database: Database,
  { job_run_id, tenant_id }: { readonly job_run_id?: string | undefined; readonly tenant_id: string },
  actor: Actor,
): Promise<void> {
  if (job_run_id === undefined) return;
  const [[job]] = await database.read([runById({ run_id: job_run_id })]);
  if (job !== undefined && job.kind === 'job' && job.tenant_id === tenant_id && mayAffect(actor, 'run.read', job)) return;
  throw new Problem('not-found', { detail: `no job ${job_run_id}: nothing was promoted`, hint: 'govctl run ls' });
}
