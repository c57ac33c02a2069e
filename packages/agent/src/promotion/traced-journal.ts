import { openIncident } from '@govctl/core/incident';
import type { Change, Unit } from '@govctl/core/journal';
import { failRun, type RunRow, type RunStart, type RunState, untracedEvents } from '@govctl/core/promotion';
import { type LostTrace, type ObservabilityMode, onLostTrace, type Transition } from '@govctl/core/run';
import type { Database } from '../db/index.ts';
import { failedWriteOf, innermost } from '../journal/failed-write.ts';
import type { CommitResult, Journal } from '../journal/index.ts';
import { runById } from './queries.ts';
import { resume } from './run-start.ts';

type Dependencies = {
  readonly journal: Journal;
  readonly database: Database;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly mode: (kind: string) => ObservabilityMode;
  readonly randomHex: (bytes: number) => string;
};

type RunChange = Extract<Change, { readonly write: 'run.insert' | 'run.advance' }>;
const isRunChange = (change: Change): change is RunChange => change.write === 'run.insert' || change.write === 'run.advance';

/**
 * The journal of promotions: every step of a run is in its trace by the commit that makes it, or the observability guard says what becomes of
 * the run. A lost trace is an incident, in whatever mode.
 */
export function tracedJournal(deps: Dependencies): Journal {
  const { journal } = deps;
  return {
    async commit(unit) {
      const change = unit.changes.find(isRunChange);
      if (change === undefined) return await journal.commit(unit);
      const { run_id, state } = change.values;
      try {
        return await journal.commit({ ...unit, changes: [...unit.changes, { write: 'trace.follow', values: { run_id, state } }] });
      } catch (error) {
        if (failedWriteOf(error) !== 'trace.follow') throw error;
        return await withoutTrace(deps, unit, change, innermost(error));
      }
    },
  };
}

async function withoutTrace(deps: Dependencies, unit: Unit, change: RunChange, error: string): Promise<CommitResult> {
  const [[current]] = change.write === 'run.insert' ? [[]] : await deps.database.read([runById({ run_id: change.values.run_id })]);
  const row = change.write === 'run.insert' ? change.values : current;
  if (row === undefined) return await deps.journal.commit(unit);
  const lost = onLostTrace(deps.mode(row.kind), error);
  const start = current === undefined ? beforeItWasJudged(row) : resume(current);
  // What the store has done already is not undone by a trace.
  if (lost.goes_on || start.state.active !== undefined) return await marked(deps, unit, change, row, lost);
  const by = { actor_id: 'SYSTEM::govd', authenticated_by: 'observability' };
  const failure = {
    error_code: 'trace-lost',
    severity: 'high' as const,
    reason: lost.reason,
    next_action: 'govctl doctor',
    state: lost.mark ?? {},
  };
  const context = { ...deps.deployment, salt: () => deps.randomHex(16) };
  const failed = failRun(start, current ?? null, failure, by, atOf(change), context).unit;
  await deps.journal.commit({ ...failed, events: untracedEvents(failed.events) });
  // Nothing of the unit happened: whoever asked reads the run again, and finds how it ended.
  return { ok: false, guard: 'trace-written' };
}

async function marked(deps: Dependencies, unit: Unit, change: RunChange, row: RunRow, { mark, reason }: LostTrace): Promise<CommitResult> {
  const { run_id, tenant_id, dataset_id, to_layer: layer } = row;
  const scope = {
    run_id,
    tenant_id,
    dataset_id,
    layer,
    run_status: change.values.status,
    environment: deps.deployment.environment,
    time: atOf(change),
  };
  const incident = openIncident({ error_code: 'trace-lost', severity: 'high', reason }, scope);
  const state = JSON.stringify({ ...(JSON.parse(change.values.state) as RunState), ...mark });
  const instead = { ...change, values: { ...change.values, state } } as RunChange;
  const result = await deps.journal.commit({
    ...unit,
    changes: [...unit.changes.map((one) => (one === change ? instead : one)), ...incident.changes],
    events: [...untracedEvents(unit.events), ...incident.events],
  });
  return result.ok ? { ...result, altered: true } : result;
}

/** A run that was to be recorded for the first time, as it was before anybody judged it. */
function beforeItWasJudged(row: RunRow): RunStart {
  const { state, row: started } = resume(row);
  const judged = state.phases.findIndex(({ event }) => event === 'allow' || event === 'deny' || event === 'defer');
  const phases: readonly Transition[] = judged < 0 ? state.phases : state.phases.slice(0, judged);
  // Nobody acknowledges what did not happen, and there is no trace.
  const { active: _active, pending_audit: _audit, waiting_on: _waiting, awaits: _awaits, ...more } = state;
  const { store: _store, incident_id: _id, lesson: _lesson, ...kept } = more;
  const expectations = state.expectations.map((one) => ({ ...one, status: 'PENDING' as const }));
  return { row: started, state: { ...kept, phases, acks: [], expectations }, revision: null, decision_ref: null, defer_until: null };
}

function atOf({ values }: RunChange): string {
  return values.updated_at;
}
