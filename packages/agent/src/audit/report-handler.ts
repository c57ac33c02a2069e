import { type auditRoutes, Problem, type RouteResponse, schemaVersion } from '@govctl/core/api';
import { type Digest, digestOf } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { z } from 'zod';
import { type Database, query } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import type { ObjectStore } from '../object/index.ts';
import { readJson } from './unreadable.ts';

type ReportRow = {
  report_id: number;
  digest: string;
  as_of: string;
  clean: number;
  findings: number;
  by_class: string;
  checked: string;
  evidence_ref: string;
};
const reports = query<{ limit: number }, ReportRow>('reports', 'SELECT * FROM reconcile_report ORDER BY report_id DESC LIMIT :limit');
const reportById = query<{ report_id: number }, ReportRow>('report by id', 'SELECT * FROM reconcile_report WHERE report_id = :report_id');

type Reconciliation = RouteResponse<(typeof auditRoutes)['reconcile.report']>;

/** Reports of the periodic reconciliation: they name runs and datasets of everybody, and are for whoever may look at all. */
export function reportHandlers(deps: {
  readonly database: Database;
  readonly objects: ObjectStore;
}): Pick<Handlers<typeof auditRoutes>, 'reconcile.reports' | 'reconcile.report'> {
  return {
    async 'reconcile.reports'({ query: asked, actor }) {
      assertMayLook(actor);
      const [rows] = await deps.database.read([reports({ limit: asked.limit })]);
      const items = rows.map(({ clean, by_class, checked, ...row }) => ({
        ...row,
        clean: clean === 1,
        by_class: countsOf(by_class),
        checked: countsOf(checked),
      }));
      return { schemaVersion, kind: 'ReconcileReportList' as const, items };
    },

    async 'reconcile.report'({ params, actor }) {
      assertMayLook(actor);
      const [[row]] = await deps.database.read([reportById(params)]);
      if (row === undefined) throw new Problem('not-found', { detail: `no report ${params.report_id}`, hint: 'govctl audit reports' });
      return await stored(deps.objects, row);
    },
  };
}

const countsSchema = z.record(z.string(), z.int());

/** Counts of a report beside its object; where they were damaged that is told, and the others are listed. */
function countsOf(text: string): Record<string, number> {
  const read = countsSchema.safeParse(readJson(text).value);
  return read.success ? read.data : { unreadable: 1 };
}

function assertMayLook(actor: Actor): void {
  if (mayAffect(actor, 'reconcile.run', { tenant_id: '*', dataset_id: '*' })) return;
  throw new Problem('forbidden', {
    detail: `${actor.actor_id} may not look at every tenant and dataset`,
    hint: 'one run: govctl reconcile --run R',
  });
}

/** @throws Problem when the object is gone, or is not what was recorded */
async function stored(objects: ObjectStore, { report_id, digest }: ReportRow): Promise<Reconciliation> {
  const content = await objects.read(digest as Digest);
  if (content === null)
    throw new Problem('gone', { detail: `report ${report_id} is not in the object store any more`, hint: 'govctl audit reports' });
  const bytes = Buffer.concat(await content.toArray());
  if (digestOf(bytes) !== digest)
    throw new Problem('digest-mismatch', { detail: `report ${report_id} is not what was recorded as ${digest}`, hint: 'govctl reconcile' });
  return JSON.parse(bytes.toString('utf8')) as Reconciliation;
}
