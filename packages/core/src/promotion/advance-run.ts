import type { Change } from '../journal/change.ts';
import type { RunRow } from './write.ts';

/** The compare-and-set that takes a run, of any kind, from the revision that was read to the row it becomes. */
export function advanceRow(row: RunRow, expected_revision: number): Change {
  const { run_id, phase, status, updated_at, next_eligible_at, defer_until, decision, decision_ref, evidence_ref } = row;
  const { dataset_revision, policy_activation, state } = row;
  return {
    write: 'run.advance',
    values: {
      run_id,
      expected_revision,
      phase,
      status,
      updated_at,
      next_eligible_at,
      defer_until,
      decision,
      decision_ref,
      evidence_ref,
      dataset_revision,
      policy_activation,
      state,
    },
  };
}
