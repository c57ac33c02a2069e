import { holdLease } from '@govctl/core/lease';
import { confirmCommit, readRunState } from '@govctl/core/promotion';
import type { Database } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { runById, snapshotFact } from '../promotion/queries.ts';
import { resume } from '../promotion/run-start.ts';
import { incompleteRuns, newestWitnessed } from './queries.ts';

export type CompleteDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly quorum: number;
  readonly holder: string;
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
};

const perRound = 50;

/**
 * Completes runs whose promotion a quorum of witnesses has seen: until then they are `incomplete` and not published. Each in a unit of its
 * own; a run that somebody else completed meanwhile loses its guard and is left alone.
 *
 * @returns the runs that were completed
 */
export async function completeWitnessed(deps: CompleteDependencies): Promise<readonly string[]> {
  const [[head]] = await deps.database.read([newestWitnessed({})]);
  if (head === undefined) return [];
  const [waiting] = await deps.database.read([incompleteRuns({ witnessed: head.size, limit: perRound })]);
  const completed: string[] = [];
  for (const { run_id } of waiting) {
    const [[run]] = await deps.database.read([runById({ run_id })]);
    if (run === undefined || run.status !== 'incomplete') continue;
    const { state } = readRunState(run.state);
    // One that was damaged keeps no other from being completed; reconcile tells of it.
    if (state === null) continue;
    if (state.awaits !== 'witnesses' || state.active === undefined) continue;
    const [[snapshot]] = await deps.database.read([snapshotFact({ snapshot_id: state.active.snapshot_id })]);
    if (snapshot === undefined) throw new Error(`run ${run_id} promoted a snapshot that is not there`);
    const now = deps.now();
    const planned = confirmCommit(
      resume(run),
      run,
      snapshot.snapshot_hash,
      { actor_id: 'SYSTEM::govd', authenticated_by: 'witness-quorum' },
      now,
      { ...deps.deployment, salt: () => deps.randomHex(16) },
      `cosigned by ${Math.max(1, deps.quorum)} witnesses in the tree of ${head.size} leaves`,
    );
    const result = await deps.journal.commit({
      ...planned.unit,
      changes: [holdLease('witness', deps.holder, now), ...planned.unit.changes],
    });
    if (result.ok) completed.push(run_id);
    else if (result.guard === 'lease-is-mine') break;
  }
  return completed;
}
