import type { JobRun, StandsNow } from '@govctl/core/job';
import { openSuspension } from '../tenant/queries.ts';
import { readPolicySet } from './queries.ts';
import type { JobDependencies } from './worker-port.ts';

/** Why the tenant may run nothing, in a sentence; null while it may. */
export async function suspensionOf({ database }: Pick<JobDependencies, 'database'>, tenant_id: string): Promise<string | null> {
  const [[open]] = await database.read([openSuspension({ tenant_id })]);
  return open === undefined ? null : `${tenant_id} was suspended by ${open.suspended_by} at ${open.suspended_at}: ${open.reason}`;
}

/** What stands now for a job that runs. */
export async function standsNow(deps: Pick<JobDependencies, 'database' | 'ceilings'>, { row }: JobRun): Promise<StandsNow> {
  const { packs } = await readPolicySet(deps.database);
  return {
    packs: packs.map(({ name }) => name),
    ceilings: deps.ceilings(),
    tenant_suspended: await suspensionOf(deps, row.tenant_id),
  };
}
