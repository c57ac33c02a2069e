import { kernelVersion } from '@govctl/core/decision';
import type { Actor } from '@govctl/core/identity';
import {
  completeJob,
  type DeferLimits,
  decideJob,
  deferJob,
  denyJob,
  factOfJob,
  type JobDecision,
  type JobFacts,
  type JobRun,
  jobTimedOut,
  type OutputSnapshot,
} from '@govctl/core/job';
import { FolderFault } from './folder-fault.ts';
import type { HeldRun } from './held-run.ts';
import { type PolicySet, readPolicySet } from './queries.ts';
import { registrationOf } from './registration.ts';

const deferLimits: DeferLimits = { again_ms: 60_000, max_ms: 24 * 3600 * 1000 };

/** Lets the packs of a job decide about its result, and does what they say. @throws FolderFault where its outputs may not become snapshots any more */
export async function judgeRun(held: HeldRun, run: JobRun): Promise<void> {
  const { packs, database } = held.deps;
  const { steps } = await held.read();
  const outputs = JSON.parse(run.job.outputs) as OutputSnapshot[];
  const context = await held.context(run);
  const policy = await readPolicySet(database);
  const stored = await packs.factsOf(policy.packs.filter(({ name }) => run.file.policy_packs.includes(name)));
  const job = factOfJob(run, steps, outputs, run.job.manifest_digest ?? '');
  const facts = factsOf(held, run, policy, job, context.at);
  const decision = inTime(decideJob(facts, packs.compiled(stored)), run, context.at);
  const judged = { facts, decision };
  if (decision.decision === 'defer') await held.commit(deferJob(run, held.hold, judged, deferLimits, context));
  else if (decision.decision === 'deny') await held.commit(denyJob(run, held.hold, judged, context));
  else {
    const registration = await registrationOf(held.deps, run, outputs, context);
    if ('refused' in registration) throw new FolderFault(registration.refused);
    await held.commit(completeJob(run, held.hold, judged, outputs, registration, context));
  }
}

function factsOf({ deps }: HeldRun, { row, job: asked, file }: JobRun, policy: PolicySet, job: JobFacts['job'], as_of: string): JobFacts {
  const { run_id, tenant_id, dataset_id } = row;
  const { actor_id, source_type, authenticated_by } = JSON.parse(asked.actor) as Actor;
  return {
    as_of,
    kernel_version: kernelVersion,
    environment: deps.environment(),
    request: { run_id, tenant_id, dataset_id, actor: { actor_id, source_type, authenticated_by } },
    policy_packs: [...file.policy_packs],
    policy: policy.policy_rev === null ? null : { policy_rev: policy.policy_rev, packs: [...policy.packs] },
    job,
  };
}

/** A job that waited as long as it may is not asked to wait again. */
function inTime(decision: JobDecision, { row }: JobRun, at: string): JobDecision {
  const over = row.defer_until !== null && row.defer_until <= at;
  return decision.decision === 'defer' && over ? jobTimedOut(decision) : decision;
}
