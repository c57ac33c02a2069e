import { type Actor, mayAffect } from '@govctl/core/identity';
import type { JobContext, JobRun, OutputSnapshot, Registration } from '@govctl/core/job';
import { registerSnapshot } from '@govctl/core/promotion';
import { snapshotById } from '../snapshot/queries.ts';
import type { JobDependencies } from './worker-port.ts';

/** What the outputs of an allowed job do to the store: a snapshot each, unless that content is one already. */
export async function registrationOf(
  deps: Pick<JobDependencies, 'database' | 'authority'>,
  run: JobRun,
  outputs: readonly OutputSnapshot[],
  context: JobContext,
): Promise<Registration | { readonly refused: string }> {
  const { tenant_id } = run.row;
  // What whoever asked may do now, not what it might do then.
  const actor = await deps.authority.current(JSON.parse(run.job.actor) as Actor, context.at);
  const units = [];
  for (const { name, dataset_id, layer, snapshot_id, snapshot_hash, file_count, total_bytes } of outputs) {
    if (!mayAffect(actor, 'snapshot.create', { tenant_id, dataset_id }))
      return {
        refused: `${actor.actor_id} may not create snapshots of ${tenant_id}/${dataset_id} any more: output ${name} was not registered`,
      };
    const [[known]] = await deps.database.read([snapshotById({ snapshot_id })]);
    if (known !== undefined) continue;
    units.push(
      registerSnapshot(
        { actor, environment: context.environment, service_release_id: context.service_release_id, at: context.at, salt: context.salt() },
        { snapshot_id, tenant_id, dataset_id, layer, snapshot_hash, file_count, total_bytes, missing_objects: 0 },
      ),
    );
  }
  return { changes: units.flatMap(({ changes }) => changes), records: units.flatMap(({ records }) => records) };
}
