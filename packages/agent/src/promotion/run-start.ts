import { type RunRow, type RunStart, type RunState, readRunState } from '@govctl/core/promotion';

/** A stored run, as what its next evaluation starts from. */
export function resume(run: RunRow): RunStart {
  const {
    phase: _p,
    status: _s,
    revision,
    state,
    decision: _d,
    decision_ref,
    evidence_ref: _e,
    updated_at: _u,
    next_eligible_at: _n,
    defer_until,
    dataset_revision: _r,
    policy_activation: _a,
    ...row
  } = run;
  return { row, state: JSON.parse(state) as RunState, revision, decision_ref, defer_until };
}

/** For loops over many runs: one whose row was damaged is left alone, reconcile tells of it, and the others go on. */
export function resumable(run: RunRow): RunStart | null {
  return readRunState(run.state).state === null ? null : resume(run);
}
