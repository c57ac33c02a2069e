import { digestOf } from '@govctl/core/evidence';
import {
  type Ending,
  endRun,
  type JobContext,
  type JobStep,
  laterOf,
  lostOutcome,
  manifestRows,
  type RunHold,
  runManifest,
  withEnds,
} from '@govctl/core/job';
import { oneChunk } from '../object/index.ts';
import { patiently } from './patience.ts';
import { readPolicySet, type StoredJob } from './queries.ts';
import type { JobDependencies, WorkerDependencies } from './worker-port.ts';

/** Where and when the next unit of a job is written: never before `after`. */
export async function jobContext(
  deps: Pick<JobDependencies, 'database' | 'deployment' | 'environment' | 'randomHex' | 'now'>,
  after: string,
): Promise<JobContext> {
  const { policy_rev, policy_activation } = await readPolicySet(deps.database);
  return {
    ...deps.deployment,
    config_digest: deps.environment().config_digest,
    policy_rev,
    policy_activation,
    salt: () => deps.randomHex(16),
    at: laterOf(deps.now(), after),
  };
}

/**
 * The end of a run that did not succeed, with the manifest of what ended before it stored. An attempt that is still on record as running
 * has nobody any more who would see its end: it ends with the run.
 */
export async function plannedEnd(
  deps: Pick<WorkerDependencies, 'objects' | 'logger' | 'wait' | 'context'>,
  { run, steps }: StoredJob,
  hold: RunHold | null,
  ending: Omit<Ending, 'manifest_digest' | 'unfinished'>,
): Promise<JobStep> {
  const context = await deps.context(run.row.updated_at);
  const unfinished = steps
    .filter(({ status }) => status === 'running')
    .map((step) => ({ step, outcome: lostOutcome(run, step, 'nobody saw its end: the govd that ran it was gone, or had lost its lock') }));
  const rows = manifestRows(withEnds(steps, unfinished, context.at));
  if (rows.length === 0) return endRun(run, hold, context, { ...ending, manifest_digest: null });
  const bytes = runManifest(run.row.run_id, run.file.workspace, rows);
  const manifest_digest = digestOf(bytes);
  await patiently(() => deps.objects.put(manifest_digest, oneChunk(bytes)), deps);
  return endRun(run, hold, context, { ...ending, manifest_digest, unfinished });
}
