import type { ReconcileFinding } from '@govctl/core/api';
import type { Actor } from '@govctl/core/identity';
import { cancel, confirmCommit, type RunRow, type RunState, readRunState } from '@govctl/core/promotion';
import { z } from 'zod';
import { recordByRef, snapshotFact } from '../promotion/queries.ts';
import { resume } from '../promotion/run-start.ts';
import * as world from './queries.ts';
import { ageSeconds, type Checked, type ReconcileDependencies, type Scope } from './reconcile-scope.ts';
import { readJson } from './unreadable.ts';

/** An orchestrator that is at work is not late yet. */
const patienceMs = 60_000;

/**
 * What an open intent can come to. `finish`: its effect is there and on record, only the end is missing. `give-up`: its decision may not be
 * carried out any more, and nothing was. `wait`: it is not ours to end.
 */
type Intent = { readonly run: RunRow; readonly state: RunState; readonly can: 'finish' | 'give-up' | 'wait'; readonly observed: string };

/** Runs that were decided and never completed, each with what can be done about it. */
export async function openIntents(deps: ReconcileDependencies, scope: Scope, now: string): Promise<Intent[]> {
  const before = new Date(Date.parse(now) - patienceMs).toISOString();
  const [rows] = await deps.database.read([world.openIntents({ ...scope, before })]);
  const intents: Intent[] = [];
  for (const run of rows) {
    const { state } = readRunState(run.state);
    // That it cannot be read is found where runs are audited; nobody can finish what says nothing.
    if (state === null) continue;
    intents.push({ run, state, ...(await judged(deps, run, state, now)) });
  }
  return intents;
}

async function judged(deps: ReconcileDependencies, run: RunRow, state: RunState, now: string): Promise<Pick<Intent, 'can' | 'observed'>> {
  const { active, awaits } = state;
  if (awaits === 'witnesses') return { can: 'wait', observed: 'moved, and not cosigned by enough witnesses' };
  if (active !== undefined) {
    const observed = `generation ${active.generation} stands, and nobody confirmed it`;
    return { can: deps.witness_quorum === 0 ? 'finish' : 'wait', observed };
  }
  const [[record]] = await deps.database.read([recordByRef({ ref: run.decision_ref ?? '' })]);
  const { valid_until, fault } = validityOf(record?.payload ?? null);
  if (fault !== null) return { can: 'wait', observed: `nothing moved, and its decision cannot be read: ${fault}` };
  if (valid_until !== null && valid_until <= now)
    return { can: 'give-up', observed: `nothing moved, and its decision ended at ${valid_until}` };
  return { can: 'wait', observed: `nothing moved; its decision may be carried out until ${valid_until ?? '?'}` };
}

const decidedSchema = z.object({ predicate: z.object({ decision: z.object({ valid_until: z.string().nullable() }) }) });

/** Until when a recorded decision may be carried out. */
function validityOf(payload: Uint8Array | null): { readonly valid_until: string | null; readonly fault: string | null } {
  if (payload === null) return { valid_until: null, fault: null };
  const { value, fault } = readJson(Buffer.from(payload).toString('utf8'));
  if (fault !== null) return { valid_until: null, fault };
  const read = decidedSchema.safeParse(value);
  return read.success
    ? { valid_until: read.data.predicate.decision.valid_until, fault: null }
    : { valid_until: null, fault: 'is no record of a decision' };
}

const fixes = {
  finish: () => 'govctl reconcile --fix',
  'give-up': () => 'govctl reconcile --fix',
  wait: ({ run, state }: Intent) =>
    state.awaits === 'witnesses' ? 'govctl doctor' : `govctl promotion cancel ${run.run_id} --reason TEXT`,
} as const;

export function intentFindings(intents: readonly Intent[], now: string, checked: Checked): ReconcileFinding[] {
  checked.open_intents = intents.length;
  return intents.map((intent) => ({
    class: 'world',
    check: 'intent',
    severity: intent.can === 'wait' ? 'medium' : 'high',
    subject: `run/${intent.run.run_id}`,
    expected: `the promotion of ${intent.run.dataset_id} to ${intent.run.to_layer ?? '?'} is completed or given up`,
    observed: intent.observed,
    age_s: ageSeconds(intent.run.updated_at, now),
    fix: fixes[intent.can](intent),
  }));
}

/** Finishes what is done and gives up what cannot be done any more: each is the unit that its orchestrator would have caused. */
export async function mendIntents(
  deps: ReconcileDependencies,
  intents: readonly Intent[],
  findings: readonly ReconcileFinding[],
  actor: Actor,
  now: string,
): Promise<void> {
  const context = { ...deps.deployment, salt: () => deps.randomHex(16) };
  for (const { run, state, can, observed } of intents) {
    const finding = findings.find((one) => one.check === 'intent' && one.subject === `run/${run.run_id}`);
    if (finding === undefined || can === 'wait') continue;
    const start = resume(run);
    if (can === 'give-up') {
      const by = { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by, reason: `given up by reconciliation: ${observed}` };
      const result = await deps.journal.commit(cancel(start, run, by, now, context).unit);
      if (result.ok) finding.fixed = 'given up: the run is cancelled, and what it had acknowledged is recorded as rolled back';
    } else {
      const [[snapshot]] = await deps.database.read([snapshotFact({ snapshot_id: state.active?.snapshot_id ?? '' })]);
      if (snapshot === undefined) continue;
      const planned = confirmCommit(
        start,
        run,
        snapshot.snapshot_hash,
        actor,
        now,
        context,
        'finished by reconciliation: its effect was there',
      );
      const result = await deps.journal.commit(planned.unit);
      if (result.ok) finding.fixed = `finished, recorded as ${result.committed.records[0]?.ref ?? '?'}`;
    }
  }
}
