import { type jobRoutes, Problem } from '@govctl/core/api';
import { type FactDetail, jobFact } from '@govctl/core/job';
import { isEnded, type Phase } from '@govctl/core/run';
import type { Handler } from '../http/index.ts';
import { jobContext } from './context.ts';
import type { JobReader } from './job-reader.ts';
import type { JobDependencies } from './worker-port.ts';

const rebuilds = 3;

/** Asks for the end of a job, on record: whoever drives it ends what runs at once. Asked again, it is answered and nothing else happens. */
export function stopHandler(
  deps: JobDependencies,
  { readRun, shown }: JobReader,
  wake: () => void,
): Handler<(typeof jobRoutes)['run.stop']> {
  return async ({ params, body, actor, now }) => {
    for (let attempt = 0; attempt < rebuilds; attempt += 1) {
      const stored = await readRun(params.run_id, actor, 'run.stop');
      const { row, job } = stored.run;
      const { run_id, phase, status } = row;
      if (isEnded(phase as Phase) && status !== 'cancelled')
        throw new Problem('conflict', { detail: `run ${run_id} has ended: ${status}`, hint: `govctl run get ${run_id}` });
      if (job.stop_asked_at !== null || isEnded(phase as Phase)) return await shown(stored);
      const stands: FactDetail = { phase, status };
      const said = { reason: body.reason, actor };
      const record = jobFact(stored.run, await jobContext(deps, row.updated_at), 'run.stop', row.decision_ref, stands, said);
      const values = { run_id, stop_asked_at: now, stop_asked_by: JSON.stringify(actor), stop_reason: body.reason };
      const result = await deps.journal.commit({
        label: 'run.stop',
        changes: [{ write: 'job.stop', values }],
        records: [record],
        events: [],
      });
      if (!result.ok) continue;
      wake();
      return await shown(await readRun(run_id, actor, 'run.stop'));
    }
    throw new Problem('conflict', { detail: `run ${params.run_id} keeps moving`, hint: `govctl run get ${params.run_id}` });
  };
}
