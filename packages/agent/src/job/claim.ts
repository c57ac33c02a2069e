import { lockEnd, type RunHold, workspaceLock } from '@govctl/core/job';
import type { OpenJobRow } from './queries.ts';
import type { WorkerDependencies } from './worker-port.ts';

type Claimant = Pick<WorkerDependencies, 'host' | 'process' | 'journal' | 'now'>;

/** Whether a job may be run here now: it does not wait, and nobody else has its workspace. */
export function mayTake({ host }: Pick<Claimant, 'host'>, job: OpenJobRow, at: string): boolean {
  const waits = job.status === 'paused' || (job.status === 'deferred' && (job.next_eligible_at ?? at) > at);
  if (waits && job.stop_asked_at === null) return false;
  const free = job.lock_holder === null || (job.lock_expires_at ?? '') <= at;
  const nobodys = job.process === null || job.host === host;
  return free || (job.lock_holder === job.run_id && nobodys);
}

/** Takes the lock of a job's workspace, with the next fence: whoever had it before commits nothing more. Null where somebody was faster. */
export async function take({ host, process, journal, now }: Claimant, job: OpenJobRow): Promise<RunHold | null> {
  const at = now();
  const lock_key = workspaceLock(job.tenant_id, job.workspace);
  const expected_fence = job.lock_fence ?? 0;
  const result = await journal.commit({
    label: 'job.claim',
    changes: [
      { write: 'lock.take', values: { lock_key, holder: job.run_id, expected_fence, at, expires_at: lockEnd(at) } },
      { write: 'job.claim', values: { run_id: job.run_id, host, process } },
    ],
    records: [],
    events: [],
  });
  return result.ok ? { lock_key, fence: expected_fence + 1 } : null;
}

/** Given back by the daemon that stops: whoever comes next need not wait until the lock expires. */
export async function giveBack({ process, journal }: Claimant, run_id: string): Promise<void> {
  const changes = [{ write: 'job.release' as const, values: { run_id, process } }];
  await journal.commit({ label: 'job.release', changes, records: [], events: [] });
}
