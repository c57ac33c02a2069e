import { draftRecord, type RecordDraft, subjectOf } from '../../evidence/statement.ts';
import type { Change } from '../../journal/change.ts';
import type { Unit } from '../../journal/unit.ts';
import type { PausedRun, ResumeAuthority } from '../../run/pause.ts';
import { type Crossed, crossedEvents, withCrossed } from '../../run/threshold.ts';
import { eventsOf } from '../event.ts';
import { type ActingParty, recordHead, recordOwner } from '../run-record.ts';
import type { RunState } from '../run-state.ts';
import type { RunRow } from '../write.ts';
import { type RunStart, runChange, type SagaContext, standing, walk } from './step.ts';

type Context = Pick<SagaContext, 'environment' | 'service_release_id' | 'salt'>;
type PausePlan = { readonly unit: Unit; readonly row: RunRow; readonly state: RunState };

/** The lock of the target, free as it was read, that shall be held for the run while it is paused. */
export type KeptLock = { readonly lock_key: string; readonly fence: number; readonly expires_at: string };

/** A run of any kind is halted, by somebody and until a stated time. With `keep`, nobody else may write its target meanwhile. */
export function pausePromotion(
  start: RunStart,
  current: RunRow,
  asked: PausedRun,
  by: ActingParty,
  at: string,
  context: Context,
  keep: KeptLock | null,
): PausePlan {
  const paused: PausedRun = keep === null ? asked : { ...asked, lock: { lock_key: keep.lock_key, fence: keep.fence + 1 } };
  const state: RunState = { ...start.state, phases: walk(start.state.phases, ['pause'], at), pause: paused };
  const row = rowAfter(current, state, at, { next_eligible_at: null });
  const { reason, detail, authorities, sla_ms, expires_at, timeout } = paused;
  const said = { pause_reason: reason, authorities: [...authorities], sla_ms, expires_at, timeout, lock: paused.lock?.lock_key ?? null };
  const holds: Change[] =
    keep === null
      ? []
      : [
          {
            write: 'lock.keep',
            values: { lock_key: keep.lock_key, expected_fence: keep.fence, holder: row.run_id, at, expires_at: keep.expires_at },
          },
        ];
  return {
    row,
    state,
    unit: {
      label: 'run.pause',
      changes: [runChange(start, row), ...holds],
      records: [runFact('run.pause', row, by, at, context, detail, said)],
      events: eventsOf(scopeOfRow(row, at, context), [['run.paused', { ...said, reason: detail }]]),
    },
  };
}

type Resumption = {
  /** Where the re-evaluation starts from: everything is asked again, and nothing of the last answer is taken over. */
  readonly start: RunStart;
  readonly changes: readonly Change[];
  /** What comes last in its unit, after every guard. */
  readonly wakes: readonly Change[];
  readonly record: RecordDraft;
  readonly events: Unit['events'];
};

/** A paused run goes on: what it held is given back, and the time it was paused is added to the promise it had. */
export function resumePromotion(
  start: RunStart,
  current: RunRow,
  by: ActingParty & { readonly authority: ResumeAuthority | 'timeout'; readonly reason: string },
  at: string,
  context: Context,
): Resumption {
  const { pause, waiting_on: _waiting, ...kept } = start.state;
  if (pause === undefined) throw new Error('a run that is not paused cannot be resumed');
  const paused_ms = Math.max(0, Date.parse(at) - Date.parse(pause.paused_at));
  const said = { authority: by.authority, paused_ms, pause_reason: pause.reason };
  const record = runFact('run.resume', current, by, at, context, by.reason, said);
  return {
    start: {
      ...start,
      state: { ...kept, phases: walk(kept.phases, ['resume'], at) },
      decision_ref: record.ref,
      defer_until: start.defer_until === null ? null : new Date(Date.parse(start.defer_until) + paused_ms).toISOString(),
    },
    changes: givesBack(current.run_id, pause),
    wakes: wakesOthers(current, pause, at),
    record,
    events: eventsOf(scopeOfRow(current, at, context), [['run.resumed', { ...said, reason: by.reason }]]),
  };
}

/** A lock that was kept for a paused run is given back by whatever ends the pause. */
export function givesBack(run_id: string, pause: PausedRun | undefined): Change[] {
  if (pause?.lock === undefined) return [];
  return [{ write: 'lock.give-back', values: { ...pause.lock, holder: run_id } }];
}

/** Whoever waits for a lock that was kept is asked again at once, not when its next minute is over. */
export function wakesOthers(
  { tenant_id, dataset_id }: Pick<RunRow, 'tenant_id' | 'dataset_id'>,
  pause: PausedRun | undefined,
  at: string,
): Change[] {
  return pause?.lock === undefined ? [] : [{ write: 'dataset.touch', values: { tenant_id, dataset_id, at } }];
}

/** What is noted of a pause that goes on: that its end is near, that somebody was called, that the clock was moved. */
export function notePause(
  start: RunStart,
  current: RunRow,
  paused: PausedRun,
  note: { readonly fact: string; readonly detail: string; readonly crossed: readonly Crossed[] },
  by: ActingParty,
  at: string,
  context: Context,
): PausePlan {
  const state = withCrossed({ ...start.state, pause: paused }, note.crossed);
  const row = rowAfter(current, state, at, {});
  const { expires_at, timeout } = paused;
  return {
    row,
    state,
    unit: {
      label: note.fact,
      changes: [runChange(start, row)],
      records: [runFact(note.fact, row, by, at, context, note.detail, { expires_at, timeout })],
      events: eventsOf(scopeOfRow(row, at, context), crossedEvents(note.crossed)),
    },
  };
}

/** Somebody tried to resume a run that is not theirs to resume: on record, and nothing else happens. */
export function refusedResume(current: RunRow, by: ActingParty, needs: readonly ResumeAuthority[], at: string, context: Context): Unit {
  const detail = `needs ${needs.join(' or ')}`;
  return {
    label: 'run.resume-refused',
    changes: [],
    records: [runFact('run.resume_refused', current, by, at, context, detail, { needs: [...needs] })],
    events: [],
  };
}

function rowAfter(current: RunRow, state: RunState, at: string, changed: Partial<RunRow>): RunRow {
  return { ...current, ...standing(state), ...changed, revision: current.revision + 1, updated_at: at, state: JSON.stringify(state) };
}

function runFact(
  fact: string,
  row: RunRow,
  by: ActingParty,
  at: string,
  context: Context,
  reason: string,
  detail: Record<string, string | number | string[] | null>,
): RecordDraft {
  return draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(`run/${row.run_id}`, row.request_digest)],
    predicate: { ...recordHead(context, by, row.decision_ref), fact, subject: `run/${row.run_id}`, digest: null, reason, detail },
    ...recordOwner(row, at),
  });
}

function scopeOfRow(row: RunRow, time: string, { environment }: Context) {
  const { tenant_id, dataset_id, to_layer: layer, run_id } = row;
  return { time, tenant_id, dataset_id, layer, run_id, environment };
}
