import { digestOf } from '@govctl/core/evidence';
import {
  type Ending,
  endRun,
  type JobContext,
  type JobRun,
  type JobStep,
  type JobStepRow,
  laterOf,
  manifestRows,
  type RunHold,
  runManifest,
} from '@govctl/core/job';
import { oneChunk } from './folder.ts';
import { patiently } from './patience.ts';
import { readPolicySet } from './queries.ts';
import type { JobDependencies } from './worker-port.ts';

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

/** The end of a run that did not succeed, with the manifest of what ended before it stored. */
export async function plannedEnd(
  deps: JobDependencies,
  run: JobRun,
  steps: readonly JobStepRow[],
  hold: RunHold | null,
  ending: Omit<Ending, 'manifest_digest'>,
): Promise<JobStep> {
  const rows = manifestRows(steps);
  const bytes = runManifest(run.row.run_id, run.file.workspace, rows);
  if (rows.length > 0) await patiently(() => deps.objects.put(digestOf(bytes), oneChunk(bytes)), deps);
  const manifest_digest = rows.length > 0 ? digestOf(bytes) : null;
  return endRun(run, hold, await jobContext(deps, run.row.updated_at), { ...ending, manifest_digest });
}
