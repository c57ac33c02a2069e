import { type jobRoutes, schemaVersion } from '@govctl/core/api';
import { mayAffect } from '@govctl/core/identity';
import { readRunState } from '@govctl/core/promotion';
import type { Database } from '../db/index.ts';
import { type Handler, pageBegin, pageOf } from '../http/index.ts';
import { jobRows } from './queries.ts';

/** Jobs, newest first: those that whoever asks may read. */
export function jobListHandler({ database }: { readonly database: Database }): Handler<(typeof jobRoutes)['run.ls']> {
  return async ({ query: asked, actor }) => {
    const [rows] = await database.read([
      jobRows({
        workspace: asked.workspace ?? null,
        tenant_id: asked.tenant_id ?? null,
        status: asked.status ?? null,
        open: asked.open === undefined ? null : Number(asked.open === 'true'),
        ...pageBegin(asked.cursor),
        limit: asked.limit + 1,
      }),
    ]);
    const { page, next_cursor } = pageOf(rows, asked.limit, ({ created_at, run_id }) => [created_at, run_id]);
    const items = page
      .filter((row) => mayAffect(actor, 'run.read', row))
      .map(({ run_id, tenant_id, dataset_id: workspace, job_kind, phase, status, decision, actor_id, created_at, updated_at, state }) => {
        // A list of many is not ended by one that was damaged: reconcile tells of that.
        const reason = readRunState(state).state?.reason ?? null;
        return { run_id, tenant_id, workspace, job_kind, phase, status, decision, actor_id, created_at, updated_at, reason };
      });
    return { schemaVersion, kind: 'RunList' as const, items, next_cursor };
  };
}
