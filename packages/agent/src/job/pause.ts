import { Problem, type pauseJobRoutes } from '@govctl/core/api';
import { type JobRun, type KeptWorkspace, lockEnd, pauseJob, resumeJob, workspaceLock } from '@govctl/core/job';
import { isEnded, type Phase, pauseDue, pauseRun } from '@govctl/core/run';
import type { DenialLimit } from '../evidence/denial-limit.ts';
import type { Handlers } from '../http/index.ts';
import { requireAuthority } from '../promotion/pause.ts';
import { jobContext } from './context.ts';
import type { JobReader } from './job-reader.ts';
import { lockByKey } from './queries.ts';
import type { JobDependencies } from './worker-port.ts';

export type JobPauseDependencies = JobDependencies & JobReader & { readonly refusals: DenialLimit; readonly wake: () => void };

const rebuilds = 3;

/** Halts jobs before their next step, and lets them go on. */
export function jobPauseHandlers(deps: JobPauseDependencies): Handlers<typeof pauseJobRoutes> {
  const { journal, readRun, shown, wake } = deps;
  return {
    async 'run.pause'({ params, body, actor }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { run } = await readRun(params.run_id, actor, 'run.pause');
        refuseUnpausable(run);
        const context = await jobContext(deps, run.row.updated_at);
        const asked = pauseRun(
          {
            reason: body.pause_reason,
            detail: body.reason,
            paused_by: actor.actor_id,
            authorities: body.authorities,
            sla_ms: body.sla_s * 1000,
            warn_before_ms: body.warn_before_s * 1000,
            timeout: body.timeout,
          },
          context.at,
        );
        const keep = body.keep_lock ? await keptWorkspace(deps, run, context.at) : null;
        const result = await journal.commit(pauseJob(run, asked, actor, keep, context).unit);
        if (!result.ok) continue;
        wake();
        return await shown(await readRun(params.run_id, actor, 'run.pause'));
      }
      throw moves(params.run_id);
    },

    async 'run.resume'({ params, body, actor }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { run } = await readRun(params.run_id, actor, 'run.resume');
        const authority = await requireAuthority(deps, run.row, actor, 'run.resume');
        refuseTooLate(run, deps.now());
        const by = { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by, authority, reason: body.reason };
        const result = await journal.commit(resumeJob(run, by, await jobContext(deps, run.row.updated_at)).unit);
        if (!result.ok) continue;
        wake();
        return await shown(await readRun(params.run_id, actor, 'run.resume'));
      }
      throw moves(params.run_id);
    },
  };
}

function moves(run_id: string): Problem {
  return new Problem('conflict', { detail: `run ${run_id} keeps moving`, hint: `govctl run get ${run_id}`, retryAfterSeconds: 1 });
}

function refuseUnpausable({ row, state, job }: JobRun): void {
  const { run_id, phase, status } = row;
  if (state.pause !== undefined && status === 'paused') {
    const { paused_by, reason, detail, expires_at } = state.pause;
    throw new Problem('locked', {
      detail: `run ${run_id} is paused by ${paused_by} (${reason}: ${detail}) until ${expires_at}`,
      hint: `govctl run resume ${run_id} --reason TEXT; to end it: govctl run stop ${run_id} --reason TEXT`,
    });
  }
  const can = (phase === 'EXECUTING' && status === 'running') || status === 'deferred';
  if (can && job.stop_asked_at === null) return;
  const why = isEnded(phase as Phase)
    ? `has ended: ${status}`
    : can
      ? 'is being stopped'
      : `is ${phase}/${status}: only a job that runs its steps, or waits to be judged, can be paused`;
  throw new Problem('conflict', { detail: `run ${run_id} ${why}`, hint: `govctl run get ${run_id}` });
}

/** What runs of it is being ended already: a run that went on then would go on with a step that was killed. */
function refuseTooLate({ row, state }: JobRun, now: string): void {
  if (state.pause === undefined || pauseDue(state.pause, now) !== 'terminate') return;
  throw new Problem('conflict', {
    detail: `the pause of run ${row.run_id} ran out at ${state.pause.expires_at}: it is being ended`,
    hint: `govctl run rerun ${row.run_id}`,
  });
}

/** The lock of its workspace: its own while it runs, else a free one. */
async function keptWorkspace({ database }: JobDependencies, { row, job }: JobRun, at: string): Promise<KeptWorkspace> {
  const lock_key = workspaceLock(row.tenant_id, job.workspace);
  const [[held]] = await database.read([lockByKey({ lock_key })]);
  const expires_at = lockEnd(at);
  if (held?.holder === row.run_id) return { lock_key, fence: held.fence, taken: true, expires_at };
  if (held?.holder != null && (held.expires_at ?? '') > at)
    throw new Problem('locked', {
      detail: `${held.holder} holds ${lock_key} until ${held.expires_at}: it cannot be kept for ${row.run_id}`,
      hint: `pause without it: govctl run pause ${row.run_id} --release-lock --reason TEXT`,
    });
  return { lock_key, fence: held?.fence ?? 0, taken: false, expires_at };
}
