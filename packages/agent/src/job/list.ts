import { type jobRoutes, schemaVersion } from '@govctl/core/api';
import { mayAffect } from '@govctl/core/identity';
import type { Database } from '../db/index.ts';
import { decodeCursor, encodeCursor, type Handler } from '../http/index.ts';
import { jobRows } from './queries.ts';

const farFuture = '9999-12-31T23:59:59.999Z';

/** Jobs, newest first: those that whoever asks may read. */
export function jobListHandler({ database }: { readonly database: Database }): Handler<(typeof jobRoutes)['run.ls']> {
  return async ({ query: asked, actor }) => {
    const [before = farFuture, before_id = ''] = asked.cursor === undefined ? [] : decodeCursor(asked.cursor);
    const [rows] = await database.read([
      jobRows({
        workspace: asked.workspace ?? null,
        tenant_id: asked.tenant_id ?? null,
        status: asked.status ?? null,
        open: asked.open === undefined ? null : Number(asked.open === 'true'),
        before,
        before_id,
        limit: asked.limit + 1,
      }),
    ]);
    const page = rows.slice(0, asked.limit);
    const last = page.at(-1);
    const items = page
      .filter((row) => mayAffect(actor, 'run.read', row))
      .map(({ run_id, tenant_id, dataset_id: workspace, job_kind, phase, status, decision, actor_id, created_at, updated_at, state }) => {
        const { reason = null } = JSON.parse(state) as { readonly reason?: string };
        return { run_id, tenant_id, workspace, job_kind, phase, status, decision, actor_id, created_at, updated_at, reason };
      });
    const next_cursor = rows.length > asked.limit && last !== undefined ? encodeCursor([last.created_at, last.run_id]) : null;
    return { schemaVersion, kind: 'RunList' as const, items, next_cursor };
  };
}
