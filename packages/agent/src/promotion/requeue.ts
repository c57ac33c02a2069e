import { holdLease } from '@govctl/core/lease';
import type { RunRow, RunStart } from '@govctl/core/promotion';
import type { CommitResult } from '../journal/index.ts';
import { committed, type PromotionDependencies } from './judge.ts';
import { type DueRun, dueRuns, runById } from './queries.ts';
import { reevaluate } from './reevaluate.ts';
import { resumable } from './run-start.ts';

const perRound = 50;

/**
 * Asks deferred runs again: when their time has come, or when a fact they were judged on moved. The promise of a defer ends at
 * `defer_until`: then the contract's `then` happens, and the record says that a timeout decided, never a person.
 *
 * One host of a deployment does it at a time: each answer is written only by the holder of the lease.
 *
 * @returns how many runs were asked
 */
export async function requeueDeferred(deps: PromotionDependencies, holder: string): Promise<number> {
  const now = deps.now();
  const failures: unknown[] = [];
  let asked = 0;
  let after: DueRun | undefined = { run_id: '', next_eligible_at: '' };
  while (after !== undefined && asked < perRound) {
    const [due]: [DueRun[]] = await deps.database.read([
      dueRuns({ now, limit: perRound, after: after.next_eligible_at, after_run: after.run_id }),
    ]);
    for (const { run_id } of due) {
      const [[run]] = await deps.database.read([runById({ run_id })]);
      if (run === undefined || run.status !== 'deferred') continue;
      const start = resumable(run);
      // What was damaged is left alone, as it is when it lacks what was asked: reconcile tells of it, and the others get their turn.
      if (start?.state.request === undefined) continue;
      try {
        const result = await askAgain(deps, run, start, holder);
        if (result.ok) asked += 1;
        else if (result.guard === 'lease-is-mine') return asked;
      } catch (error) {
        // It stays due and fails again in the next round: those behind it must not wait for that.
        failures.push(error);
      }
    }
    // What was left alone is due for ever, and would fill every first page.
    after = due.length < perRound ? undefined : due.at(-1);
  }
  if (failures.length > 0) throw failures[0];
  return asked;
}

async function askAgain(deps: PromotionDependencies, run: RunRow, start: RunStart, holder: string): Promise<CommitResult> {
  const now = deps.now();
  const { unit, row, state, decision } = await reevaluate(deps, run, start, now);
  const leased = { ...unit, changes: [holdLease('requeue', holder, now), ...unit.changes] };
  const result = await committed(deps, { unit: leased, row, state }, start);
  // The same answer again is not another decision: nothing was recorded.
  if (result.ok && unit.records.length > 0) deps.decided(decision.decision);
  return result;
}
