import { Problem } from '@govctl/core/api';
import { jcsDigest } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { runLockMs, submitJob } from '@govctl/core/job';
import type { RunRow } from '@govctl/core/promotion';
import { runById } from '../promotion/queries.ts';
import { type Admission, admit } from './admission.ts';
import { jobContext } from './context.ts';
import type { JobReader, RunAnswer } from './job-reader.ts';
import { readStoredJob } from './queries.ts';
import type { JobDependencies } from './worker-port.ts';

const rebuilds = 3;

/** What is submitted. */
type AskedJob = {
  readonly run_id: string;
  readonly tenant_id: string;
  readonly source: string;
  readonly rerun_of: string | null;
};
export type Submit = (asked: AskedJob, actor: Actor, traceparent: string | undefined) => Promise<RunAnswer>;

/** Accepts jobs: one whose start is granted and lacks nothing is on record with its workspace locked, and runs as soon as somebody takes it. */
export function jobSubmission(deps: JobDependencies, { shown }: Pick<JobReader, 'shown'>, wake: () => void): Submit {
  const { database, journal } = deps;

  const again = async (known: RunRow, request_digest: string, actor: Actor): Promise<RunAnswer> => {
    const mayKnow = mayAffect(actor, 'run.read', known) || mayAffect(actor, 'run.submit', known);
    const same = known.kind === 'job' && known.request_digest === request_digest;
    const stored = same && mayKnow ? await readStoredJob(database, known.run_id) : undefined;
    if (stored !== undefined) return await shown(stored);
    throw new Problem('run-id-reused', { detail: `run_id ${known.run_id} belongs to another request`, hint: 'use a new --run-id' });
  };

  return async (asked, actor, traceparent) => {
    const { run_id, tenant_id, source, rerun_of } = asked;
    const request_digest = jcsDigest({ kind: 'job', tenant_id, source, rerun_of });
    for (let attempt = 0; attempt < rebuilds; attempt += 1) {
      const [[known]] = await database.read([runById({ run_id })]);
      if (known !== undefined) return await again(known, request_digest, actor);
      const context = await jobContext(deps, '');
      const admission = await admit(deps, source, tenant_id, actor, context.at);
      const { file, job_digest, lock } = admission;
      requireGrant(actor, 'run.submit', tenant_id, file.workspace);
      refuse(admission, run_id);
      const trace_id = traceparent?.slice(3, 35) ?? deps.randomHex(16);
      const step = submitJob({ ...asked, file, job_digest, request_digest, actor, trace_id, expected_fence: lock?.fence ?? 0 }, context);
      const result = await journal.commit(step.unit);
      if (!result.ok) continue;
      wake();
      return await shown({ run: step.run, steps: [] });
    }
    throw new Problem('conflict', {
      detail: `the workspace kept changing hands while ${run_id} was submitted; nothing was done`,
      hint: 'try again: the same run_id is safe',
      retryAfterSeconds: 1,
    });
  };
}

/** @throws Problem `forbidden` */
export function requireGrant(actor: Actor, action: string, tenant_id: string, workspace: string): void {
  if (mayAffect(actor, action, { tenant_id, dataset_id: workspace })) return;
  throw new Problem('forbidden', {
    detail: `${actor.actor_id} has no grant for ${action} in the workspace ${tenant_id}/${workspace}`,
    hint: `an operator can grant it (a workspace is named as a dataset): govctl apikey add --actor ${actor.actor_id} --action ${action} --dataset ${workspace}`,
  });
}

/** Says calmly what stands in the way. The lock is a matter of waiting; everything else of mending, and is told in one go. */
function refuse({ checks, file }: Admission, run_id: string): void {
  const failing = checks.filter(({ ok, name }) => !ok && name !== 'lock');
  const off = failing.find(({ name }) => name === 'jobs' || name === 'tenant');
  if (off !== undefined) throw new Problem('forbidden', { detail: off.detail, hint: off.fix ?? '' });
  if (failing.length > 0) {
    throw new Problem('unprocessable', {
      detail: `the job cannot start: ${failing.length === 1 ? 'one condition does' : `${failing.length} conditions do`} not hold`,
      hint: failing[0]?.fix ?? 'govctl run submit JOB.yaml --dry-run',
      reasons: failing.map(({ name, detail }) => ({ path: name, message: detail })),
    });
  }
  const locked = checks.find(({ ok }) => !ok);
  if (locked === undefined) return;
  throw new Problem('locked', {
    detail: `another run is in progress in the workspace ${file.workspace}: ${locked.detail}; ${run_id} was not submitted`,
    hint: locked.fix ?? '',
    retryAfterSeconds: runLockMs / 1000,
  });
}
