import type { ActingParty } from '../promotion/run-record.ts';
import { pausePromotion, resumePromotion } from '../promotion/saga/pause.ts';
import { type RunStart, standing } from '../promotion/saga/step.ts';
import { decisionOfViolation, type Violation } from '../run/mid-run.ts';
import { type PausedRun, pauseRun, type ResumeAuthority } from '../run/pause.ts';
import { advanceRun, type JobContext, type JobRun, type JobStep, type RunHold, renewed } from './run.ts';

/** In whose name a daemon pauses a job, and ends or resumes one that nobody did anything about. */
export const daemonParty: ActingParty = { actor_id: 'SYSTEM::govd', authenticated_by: 'mid-run-check' };

/** The lock of its workspace that a paused job keeps: its own (`taken`), or a free one with the fence it was read with. */
export type KeptWorkspace = { readonly lock_key: string; readonly fence: number; readonly taken: boolean; readonly expires_at: string };

/**
 * A job is halted before its next step; one that runs ends first. The lock of the workspace is given back by whoever drives the job, once
 * nothing of it runs any more, unless it shall be kept.
 */
export function pauseJob(run: JobRun, asked: PausedRun, by: ActingParty, keep: KeptWorkspace | null, context: JobContext): JobStep {
  const own = keep?.taken === true ? { lock: { lock_key: keep.lock_key, fence: keep.fence } } : {};
  const free = keep?.taken === false ? keep : null;
  const { unit, row, state } = pausePromotion(startOf(run), run.row, { ...asked, ...own }, by, context.at, context, free);
  return { run: { ...run, row, state }, trace: [], unit };
}

/** A check found something that asks for a pause: until an administrator says that it may go on, or its time runs out. */
export function pauseForViolation(run: JobRun, hold: RunHold, violations: readonly Violation[], context: JobContext): JobStep {
  const found = violations.filter(({ type }) => decisionOfViolation[type] === 'PAUSE');
  const paused = pauseRun(
    {
      reason: found.some(({ type }) => type === 'POLICY_DISABLED') ? 'policy_change' : 'budget_warning',
      detail: found.map(({ type, detail }) => `${type}: ${detail}`).join('; '),
      paused_by: daemonParty.actor_id,
    },
    context.at,
  );
  const step = pauseJob(run, paused, daemonParty, null, context);
  return { ...step, unit: { ...step.unit, changes: [...renewed(run, hold, context), ...step.unit.changes] } };
}

/** A paused job goes on where it was; what it waits for moves by the time it was paused. A lock it kept stays its own. */
export function resumeJob(
  run: JobRun,
  by: ActingParty & { readonly authority: ResumeAuthority | 'timeout'; readonly reason: string },
  context: JobContext,
): JobStep {
  const { start, record, events } = resumePromotion(startOf(run), run.row, by, context.at, context);
  const { state, defer_until } = start;
  const row = {
    ...run.row,
    ...standing(state),
    defer_until,
    next_eligible_at: null,
    revision: run.row.revision + 1,
    updated_at: context.at,
    state: JSON.stringify(state),
  };
  const resumed = { ...run, row, state };
  return { run: resumed, trace: [], unit: { label: 'run.resume', changes: [advanceRun(run, resumed)], records: [record], events } };
}

function startOf({ row, state }: JobRun): RunStart {
  return { row, state, revision: row.revision, decision_ref: row.decision_ref, defer_until: row.defer_until };
}
