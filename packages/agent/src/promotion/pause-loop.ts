import { openIncident } from '@govctl/core/incident';
import { holdLease } from '@govctl/core/lease';
import { type ActingParty, failRun, notePause, type RunRow } from '@govctl/core/promotion';
import { type Crossed, type PausedRun, pauseDue, rebasePause } from '@govctl/core/run';
import { lockByKey } from '../lock/queries.ts';
import type { PromotionDependencies } from './judge.ts';
import { keptLockMs, letGoOn, runContext } from './pause.ts';
import { pausedRuns } from './queries.ts';
import { resumable } from './run-start.ts';

const pageSize = 100;
/** A kept lock is prolonged when this is left of it. */
const prolongMs = 200_000;
type Unit = Parameters<PromotionDependencies['journal']['commit']>[0];
type Noted = Parameters<typeof notePause>[3];
/** Nobody asked: the daemon does what was said when the run was paused. */
const daemon: ActingParty = { actor_id: 'SYSTEM::govd', authenticated_by: 'pause' };

/** What is done about paused jobs, which others drive. */
export type PausedJobs = {
  /** Whether a process is still about it. */
  claimed(run_id: string): Promise<boolean>;
  letGoOn(run_id: string, reason: string, guarded: (unit: Unit) => Unit): Promise<boolean>;
  end(run_id: string, reason: string, guarded: (unit: Unit) => Unit): Promise<boolean>;
};

/**
 * Looks at every paused run: warns before its time runs out, does then what was said, and keeps the lock it was given. One host of
 * a deployment does it at a time: each unit is written only by the holder of the lease.
 *
 * @returns how many it did something about
 */
export async function watchPauses(deps: PromotionDependencies, jobs: PausedJobs, holder: string): Promise<number> {
  let did = 0;
  let after = '';
  for (;;) {
    const [runs] = await deps.database.read([pausedRuns({ after, limit: pageSize })]);
    for (const run of runs) if (await watchPause(deps, jobs, run, holder)) did += 1;
    if (runs.length < pageSize) return did;
    after = runs.at(-1)?.run_id ?? '';
  }
}

async function watchPause(deps: PromotionDependencies, jobs: PausedJobs, run: RunRow, holder: string): Promise<boolean> {
  const start = resumable(run);
  const pause = start?.state.pause;
  if (start === null || pause === undefined) return false;
  const now = deps.now();
  const guarded = (unit: Unit): Unit => ({ ...unit, changes: [holdLease('pause', holder, now), ...unit.changes] });
  const commit = async (unit: Unit) => (await deps.journal.commit(guarded(unit))).ok;
  const note = (next: PausedRun, noted: Noted) => notePause(start, run, next, noted, daemon, now, runContext(deps)).unit;
  switch (pauseDue(pause, now)) {
    case 'rebase':
      return await commit(
        note(rebasePause(pause, now) ?? pause, {
          fact: 'run.pause_rebased',
          detail: `the clock stands before the pause began (${pause.paused_at}): it lasts its whole time from now`,
          crossed: [],
        }),
      );
    case 'warn':
      return await commit(
        note(
          { ...pause, warned_at: now },
          { fact: 'run.pause_warned', detail: `paused until ${pause.expires_at}`, crossed: [nearEnd(pause, now)] },
        ),
      );
    case 'escalate':
      return await commit(escalation(deps, run, note({ ...pause, escalated_at: now }, escalated(pause)), pause, now));
    case 'continue': {
      const reason = `paused until ${pause.expires_at}, and nobody resumed it`;
      if (run.kind === 'job') return await jobs.letGoOn(run.run_id, reason, guarded);
      const by = { ...daemon, authority: 'timeout' as const, reason };
      return (await letGoOn(deps, run, by, guarded)) !== null;
    }
    case 'terminate':
      if (run.kind === 'job') return await jobs.end(run.run_id, overdue(run, pause).reason, guarded);
      return await commit(failRun(start, run, overdue(run, pause), daemon, now, runContext(deps)).unit);
    case null:
      // Whoever drives a job prolongs its lock.
      if (run.kind === 'job' && (await jobs.claimed(run.run_id))) return false;
      return await keepLock(deps, run, pause, now, commit, note);
  }
}

function overdue(run: RunRow, pause: PausedRun) {
  return {
    error_code: 'pause-timeout',
    severity: 'medium' as const,
    reason: `paused by ${pause.paused_by} until ${pause.expires_at} (${pause.detail}), and nobody resumed it`,
    next_action: `govctl promote ${run.dataset_id} --from ${run.from_layer ?? ''} --to ${run.to_layer ?? ''} --snapshot ${run.snapshot_id ?? ''}`,
  };
}

function nearEnd(pause: PausedRun, now: string): Crossed {
  const value = Math.round((Date.parse(now) - Date.parse(pause.paused_at)) / 1000);
  return { threshold: 'pause:warning', risk_level: 'elevated', value, limit: Math.round(pause.sla_ms / 1000) };
}

function escalated(pause: PausedRun): Noted {
  const limit = Math.round(pause.sla_ms / 1000);
  return {
    fact: 'run.pause_escalated',
    detail: `its time ran out at ${pause.expires_at}; it stays paused until a person resumes or cancels it`,
    crossed: [{ threshold: 'pause:timeout', risk_level: 'high', value: limit, limit }],
  };
}

/** Somebody is called: an incident, in the unit that notes it. The run stays where it is. */
function escalation(deps: PromotionDependencies, run: RunRow, unit: Unit, pause: PausedRun, now: string): Unit {
  const { run_id, tenant_id, dataset_id, to_layer: layer, status } = run;
  const { environment } = deps.deployment;
  const incident = openIncident(
    {
      error_code: 'pause-escalated',
      severity: 'high',
      reason: `${run_id} is paused since ${pause.paused_at} (${pause.detail}) and its time ran out: ${pause.authorities.join(' or ')} has to resume or cancel it`,
    },
    { run_id, tenant_id, dataset_id, layer, run_status: status, environment, time: now },
  );
  return { ...unit, changes: [...unit.changes, ...incident.changes], events: [...unit.events, ...incident.events] };
}

/** Prolongs the lock that is kept for a run. One that was broken, or taken over while no daemon was there, is lost, and that is noted: others may write. */
async function keepLock(
  deps: PromotionDependencies,
  { run_id }: RunRow,
  pause: PausedRun,
  now: string,
  commit: (unit: Unit) => Promise<boolean>,
  note: (next: PausedRun, noted: Noted) => Unit,
): Promise<boolean> {
  const { lock, ...without } = pause;
  if (lock === undefined) return false;
  const [[held]] = await deps.database.read([lockByKey({ lock_key: lock.lock_key })]);
  if (held?.holder !== run_id || held.fence !== lock.fence) {
    const who = held?.holder ?? 'nobody';
    return await commit(
      note(without, { fact: 'run.lock_lost', detail: `${lock.lock_key} is held by ${who} now: it is not kept any more`, crossed: [] }),
    );
  }
  if (held.expires_at !== null && Date.parse(held.expires_at) - Date.parse(now) > prolongMs) return false;
  const values = { ...lock, holder: run_id, expires_at: new Date(Date.parse(now) + keptLockMs).toISOString() };
  return await commit({ label: 'lock.prolong', changes: [{ write: 'lock.prolong', values }], records: [], events: [] });
}
