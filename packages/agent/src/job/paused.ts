import type { Actor } from '@govctl/core/identity';
import { daemonParty, type Ending, type RunHold, resumeJob, workspaceLock } from '@govctl/core/job';
import { isEnded, type Phase, pauseDue } from '@govctl/core/run';
import { failedWriteOf, innermost } from '../journal/failed-write.ts';
import type { PausedJobs } from '../promotion/pause-loop.ts';
import { jobContext, plannedEnd } from './context.ts';
import { removeFolder, runFolder } from './folder.ts';
import { stopAsked } from './interruption.ts';
import { withoutTrace } from './lost-trace.ts';
import { type LockRow, lockByKey, type OpenJobRow, readStoredJob, type StoredJob } from './queries.ts';
import type { WorkerDependencies } from './worker-port.ts';

type Dependencies = Omit<WorkerDependencies, 'watch' | 'env'>;
type Unit = Parameters<Dependencies['journal']['commit']>[0];
const plain = (unit: Unit): Unit => unit;

/** Gives a paused job back that this host drives no longer: the lock of its workspace too, unless the pause keeps it. */
export async function settlePaused(deps: Dependencies, { run_id, process, lock_holder, lock_fence }: OpenJobRow): Promise<void> {
  const stored = await readStoredJob(deps.database, run_id);
  if (stored === undefined || stored.run.row.status !== 'paused' || process === null) return;
  const { run } = stored;
  const gives = lock_holder === run_id && lock_fence !== null && run.state.pause?.lock === undefined;
  const hold = { lock_key: workspaceLock(run.row.tenant_id, run.job.workspace), fence: lock_fence ?? 0 };
  await deps.journal.commit({
    label: 'job.settle',
    changes: [{ write: 'job.release', values: { run_id, process } }, ...(gives ? [{ write: 'lock.release' as const, values: hold }] : [])],
    records: [],
    events: [],
  });
}

/**
 * The end of a job whose workspace another run has now, as somebody asked: it waited, holds nothing and needs nothing, so nobody waits for the lock.
 * What it ran is over: its lock could not have gone to another otherwise, or its daemon is gone.
 */
export async function stopWithoutLock(deps: Dependencies, run_id: string): Promise<void> {
  const stored = await readStoredJob(deps.database, run_id);
  if (stored === undefined || isEnded(stored.run.row.phase as Phase)) return;
  const { job } = stored.run;
  const by = JSON.parse(job.stop_asked_by ?? job.actor) as Actor;
  const ending = { event: 'cancel' as const, status: 'cancelled' as const, reason: job.stop_reason ?? stopAsked, by };
  await endUndriven(deps, stored, null, ending, plain);
}

/** Whether a paused job is to end now: what still runs of it is ended first, by whoever drives it. */
export async function isPauseOver(deps: Pick<Dependencies, 'database' | 'now'>, run_id: string): Promise<boolean> {
  const stored = await readStoredJob(deps.database, run_id);
  const pause = stored?.run.row.status === 'paused' ? stored.run.state.pause : undefined;
  return pause !== undefined && pauseDue(pause, deps.now()) === 'terminate';
}

/** What the loop that watches pauses does about paused jobs. */
export function pausedJobs(deps: Dependencies, wake: () => void): PausedJobs {
  const claimedBy = async ({ run }: StoredJob): Promise<{ readonly driven: boolean; readonly lock: LockRow | undefined }> => {
    const [[lock]] = await deps.database.read([lockByKey({ lock_key: workspaceLock(run.row.tenant_id, run.job.workspace) })]);
    const holds = lock?.holder === run.row.run_id;
    return { driven: run.job.process !== null && holds && (lock.expires_at ?? '') > deps.now(), lock: holds ? lock : undefined };
  };
  return {
    async claimed(run_id) {
      const stored = await readStoredJob(deps.database, run_id);
      return stored !== undefined && stored.run.job.process !== null;
    },
    async letGoOn(run_id, reason, guarded) {
      const stored = await readStoredJob(deps.database, run_id);
      if (stored === undefined || stored.run.row.status !== 'paused') return false;
      const { run } = stored;
      const by = { ...daemonParty, authority: 'timeout' as const, reason };
      const step = resumeJob(run, by, await jobContext(deps, run.row.updated_at));
      const { ok } = await deps.journal.commit(guarded(step.unit));
      if (ok) wake();
      return ok;
    },
    async end(run_id, reason, guarded) {
      const stored = await readStoredJob(deps.database, run_id);
      // Who asked for its end has it ended in their name.
      if (stored === undefined || stored.run.row.status !== 'paused' || stored.run.job.stop_asked_at !== null) return false;
      const { driven, lock } = await claimedBy(stored);
      // A step still runs: the worker that drives it ends it, then it is this one's turn.
      if (driven) return false;
      const hold = lock === undefined ? null : { lock_key: lock.lock_key, fence: lock.fence };
      return await endUndriven(deps, stored, hold, { event: 'error', status: 'failed', reason, error_code: 'pause-timeout' }, guarded);
    },
  };
}

async function endUndriven(
  deps: Dependencies,
  stored: StoredJob,
  hold: RunHold | null,
  ending: Omit<Ending, 'manifest_digest' | 'unfinished'>,
  guarded: (unit: Unit) => Unit,
): Promise<boolean> {
  const { run_id } = stored.run.row;
  const planned = await plannedEnd(deps, stored, hold, ending);
  const step = { ...planned, unit: guarded(planned.unit) };
  const changes = [...step.unit.changes, ...step.trace.map((values) => ({ write: 'trace.append' as const, values }))];
  const { ok } = await deps.journal.commit({ ...step.unit, changes }).catch(async (error: unknown) => {
    if (failedWriteOf(error) !== 'trace.append') throw error;
    deps.logger.error({ run_id, unit: step.unit.label, err: error }, 'the trace of a run cannot be written');
    // It ends badly anyway: the guard marks it, and opens its incident.
    const dark = await withoutTrace(deps, step, innermost(error));
    return await deps.journal.commit(dark.step.unit);
  });
  if (ok) await removeFolder(runFolder(deps.runs, run_id));
  return ok;
}
