import { Problem, type RouteList, type RouteResponse } from '@govctl/core/api';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { renderRun } from '@govctl/core/job';
import type { Database } from '../db/index.ts';
import type { LogReader } from '../promotion/answer.ts';
import { recordByRef, runById } from '../promotion/queries.ts';
import { decisionOf, promotionsAfter, readStoredJob, type StoredJob } from './queries.ts';

export type RunAnswer = RouteResponse<RouteList['run.get']>;
/** A job, for somebody who may do this to it. @throws Problem `not-found` */
export type ReadRun = (run_id: string, actor: Actor, action: string) => Promise<StoredJob>;

/** How jobs are shown, and to whom. */
export type JobReader = {
  readonly readRun: ReadRun;
  readonly shown: (stored: StoredJob) => Promise<RunAnswer>;
};

export function jobReader({ database, log }: { readonly database: Database; readonly log: LogReader }): JobReader {
  return {
    async readRun(run_id, actor, action) {
      const stored = await readStoredJob(database, run_id);
      if (stored !== undefined && mayAffect(actor, action, stored.run.row)) return stored;
      const [[other]] = await database.read([runById({ run_id })]);
      const promotion = other !== undefined && other.kind !== 'job' && mayAffect(actor, 'promotion.read', other);
      throw new Problem('not-found', {
        detail: promotion ? `run ${run_id} is a ${other.kind}, not a job` : `no job ${run_id}`,
        hint: promotion ? `govctl promotion get ${run_id}` : 'govctl run ls',
      });
    },

    async shown({ run, steps }) {
      const { decision_ref, evidence_ref, run_id } = run.row;
      const [[decided], [proven], promotions] = await database.read([
        recordByRef({ ref: decision_ref ?? '' }),
        recordByRef({ ref: evidence_ref ?? decision_ref ?? '' }),
        promotionsAfter({ job_run_id: run_id }),
      ]);
      const evidence =
        proven === undefined || proven.covering_size === null ? null : await log.place(proven.ref, proven.leaf_index, proven.covering_size);
      return renderRun({
        run,
        steps,
        decision: decisionOf(decided?.payload ?? null),
        evidence,
        promotions: promotions.map((row) => row.run_id),
      });
    },
  };
}
