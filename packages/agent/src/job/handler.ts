import { type jobRoutes, Problem, type pauseJobRoutes } from '@govctl/core/api';
import type { Actor } from '@govctl/core/identity';
import type { JobFile } from '@govctl/core/job';
import { isEnded, type Phase } from '@govctl/core/run';
import type { DenialLimit } from '../evidence/denial-limit.ts';
import type { Handlers } from '../http/index.ts';
import type { LogReader } from '../promotion/answer.ts';
import { jobReader, type RunAnswer } from './job-reader.ts';
import { jobListHandler } from './list.ts';
import { logHandler } from './log-handler.ts';
import { jobPauseHandlers } from './pause.ts';
import { runPlan } from './run-plan.ts';
import { stopHandler } from './stop.ts';
import { jobSubmission } from './submission.ts';
import type { JobWorker } from './worker.ts';
import type { JobDependencies } from './worker-port.ts';

export type JobHandlerDependencies = JobDependencies & {
  readonly log: LogReader;
  readonly worker: JobWorker;
  readonly refusals: DenialLimit;
};

/** What others ask of jobs, besides the routes. */
export type Jobs = {
  readonly handlers: Handlers<typeof jobRoutes & typeof pauseJobRoutes>;
  /** A job as `run get` answers, and its file. @throws Problem `not-found` */
  readonly described: (run_id: string, actor: Actor) => Promise<{ readonly document: RunAnswer; readonly file: JobFile }>;
};

/** Submits, shows and stops jobs. */
export function jobHandlers(deps: JobHandlerDependencies): Jobs {
  const wake = () => deps.worker.wake();
  const reader = jobReader(deps);
  const { readRun, shown } = reader;
  const submit = jobSubmission(deps, reader, wake);
  return {
    handlers: {
      ...jobPauseHandlers({ ...deps, ...reader, wake }),
      'run.submit': async ({ body, actor, traceparent }) => await submit({ ...body, rerun_of: null }, actor, traceparent),
      'run.evaluate': async ({ body, actor, now }) => await runPlan(deps, body, actor, now),
      'run.ls': jobListHandler(deps),
      'run.get': async ({ params, actor }) => await shown(await readRun(params.run_id, actor, 'run.read')),
      'run.logs': logHandler(deps, readRun),
      'run.stop': stopHandler(deps, reader, wake),
      async 'run.rerun'({ params, body, actor, traceparent }) {
        const { run } = await readRun(params.run_id, actor, 'run.read');
        const { run_id: rerun_of, tenant_id, phase, status } = run.row;
        if (!isEnded(phase as Phase))
          throw new Problem('conflict', {
            detail: `run ${rerun_of} has not ended: ${phase}/${status}`,
            hint: `govctl run watch ${rerun_of}, or end it: govctl run stop ${rerun_of} --reason TEXT`,
          });
        return await submit({ run_id: body.run_id, tenant_id, source: run.job.source, rerun_of }, actor, traceparent);
      },
    },
    async described(run_id, actor) {
      const stored = await readRun(run_id, actor, 'run.read');
      return { document: await shown(stored), file: stored.run.file };
    },
  };
}
