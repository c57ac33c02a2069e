import { settle } from '../audit/expectation.ts';
import type { EventType } from '../event/event.ts';
import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { Actor } from '../identity/actor.ts';
import type { Change } from '../journal/change.ts';
import type { Unit } from '../journal/unit.ts';
import { advanceRow } from '../promotion/advance-run.ts';
import { eventsOf, traceStarted } from '../promotion/event.ts';
import { recordHead, recordOwner } from '../promotion/run-record.ts';
import type { RunState, Segment } from '../promotion/run-state.ts';
import { ack, standing, walk } from '../promotion/saga/step.ts';
import type { RunRow } from '../promotion/write.ts';
import type { RunEvent } from '../run/phase.ts';
import type { JobFile } from './job-file.ts';
import type { JobRow, TraceRow } from './write.ts';

/** How long a lock keeps others away when its holder says nothing more, in milliseconds. */
export const runLockMs = 300_000;

/** Where and when a unit of a job is written, and what it is judged under. */
export type JobContext = {
  readonly environment: string;
  readonly service_release_id: string;
  readonly config_digest: string | null;
  readonly policy_rev: string | null;
  readonly policy_activation: number;
  /** Fresh randomness for the salts of the records: 32 hex digits each call. */
  readonly salt: () => string;
  readonly at: string;
};

/** A snapshot that an output became, or will when it is allowed. */
export type OutputSnapshot = {
  readonly name: string;
  readonly dataset_id: string;
  readonly layer: string;
  readonly snapshot_id: string;
  readonly snapshot_hash: string;
  readonly file_count: number;
  readonly total_bytes: number;
};

/** A job as it stands: its rows, parsed. */
export type JobRun = { readonly row: RunRow; readonly state: RunState; readonly job: JobRow; readonly file: JobFile };

/** The workspace lock, as its holder knows it. */
export type RunHold = { readonly lock_key: string; readonly fence: number };

/** What a step of the kernel comes to: the unit, what the run is afterwards, and the trace rows that belong into the same commit. */
export type JobStep = { readonly unit: Unit; readonly run: JobRun; readonly trace: readonly TraceRow[] };

export function workspaceLock(tenant_id: string, workspace: string): string {
  return `workspace/${tenant_id}/${workspace}`;
}

export function lockEnd(at: string): string {
  return new Date(Date.parse(at) + runLockMs).toISOString();
}

/** Time of a run never goes back, whatever the clock does. */
export function laterOf(at: string, before: string): string {
  return at > before ? at : before;
}

/** A worker begins: the trace starts, durable and acknowledged in one commit. */
export function startJob(run: JobRun, hold: RunHold, context: JobContext): JobStep {
  const moved = moveRun(run, context, ['start'], [ack('logs', 'start_trace', run.state.trace_id, null, context.at)]);
  return {
    run: moved,
    trace: [traceRow(run, 'start', context.at, { trace_id: run.state.trace_id, job_digest: run.job.job_digest })],
    unit: {
      label: 'job.start',
      changes: [...renewed(run, hold, context), advanceRun(run, moved)],
      records: [],
      events: jobEvents(moved, context, [['run.started', { kind: 'job', trace_id: run.state.trace_id }], traceStarted(run.state)]),
    },
  };
}

/** Every step is done, and what they made is stored: what comes now is judged. */
export function executedJob(
  run: JobRun,
  hold: RunHold,
  made: { readonly manifest_digest: string; readonly outputs: readonly OutputSnapshot[] },
  context: JobContext,
): JobStep {
  const moved = moveRun(run, context, ['execution_done'], []);
  const produced = { manifest_digest: made.manifest_digest, outputs: JSON.stringify(made.outputs) };
  return {
    run: { ...moved, job: { ...moved.job, ...produced } },
    trace: [],
    unit: {
      label: 'job.executed',
      changes: [
        ...renewed(run, hold, context),
        advanceRun(run, moved),
        { write: 'job.produced', values: { run_id: run.row.run_id, ...produced } },
      ],
      records: [],
      events: [],
    },
  };
}

/** A change of policy or configuration opens another segment, and never edits the last. Null when nothing changed. */
export function newSegment(run: JobRun, context: JobContext): JobRun | null {
  const segments = segmentsOf(run, context);
  return segments === run.state.segments ? null : withState(run, { ...run.state, segments }, context);
}

function segmentsOf({ state }: JobRun, context: JobContext): RunState['segments'] {
  const current = state.segments.at(-1);
  if (current?.policy_rev === context.policy_rev && current.config_digest === context.config_digest) return state.segments;
  return [...state.segments, segment(state.segments.length + 1, context)];
}

/** What a run is judged under from a moment on. */
export function segment(n: number, { policy_rev, config_digest, at }: JobContext): Segment {
  return { n, policy_rev, config_digest, from: at };
}

/** The run some transitions on, with what it acknowledged on the way; what is acknowledged anew replaces what was said before. */
export function moveRun(
  run: JobRun,
  context: JobContext,
  events: readonly RunEvent[],
  acked: RunState['acks'],
  more: Partial<RunState> = {},
): JobRun {
  const said = new Set(acked.map(({ domain, action }) => `${domain}/${action}`));
  const acks = [...run.state.acks.filter(({ domain, action }) => !said.has(`${domain}/${action}`)), ...acked];
  const state: RunState = {
    ...run.state,
    ...more,
    segments: segmentsOf(run, context),
    phases: walk(run.state.phases, events, context.at),
    acks,
    expectations: settle(run.state.expectations, acks),
  };
  return withState(run, state, context);
}

/** The run with this state, as one write later. */
export function withState(run: JobRun, state: RunState, context: JobContext): JobRun {
  const row: RunRow = {
    ...run.row,
    ...standing(state),
    revision: run.row.revision + 1,
    updated_at: context.at,
    policy_activation: context.policy_activation,
    state: JSON.stringify(state),
  };
  return { ...run, row, state };
}

/** The compare-and-set that takes a run from what was read to what it becomes. */
export function advanceRun(before: JobRun, after: JobRun): Change {
  return advanceRow(after.row, before.row.revision);
}

/** What stands first in every unit of a running job. */
export function renewed({ row }: JobRun, { lock_key, fence }: RunHold, { at }: JobContext): Change[] {
  return [{ write: 'lock.renew', values: { lock_key, holder: row.run_id, fence, expires_at: lockEnd(at) } }];
}

export function traceRow({ row }: JobRun, kind: TraceRow['kind'], at: string, body: Readonly<Record<string, unknown>>): TraceRow {
  return { run_id: row.run_id, kind, at, body: JSON.stringify(body) };
}

export function jobEvents(
  { row }: JobRun,
  { at, environment }: JobContext,
  drafts: readonly (readonly [EventType, Readonly<Record<string, unknown>>])[],
) {
  const { tenant_id, dataset_id, run_id } = row;
  return eventsOf({ time: at, tenant_id, dataset_id, layer: null, run_id, environment }, drafts);
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type FactDetail = { [name: string]: Json };

/** A governance fact of a run, in the name of who asked for it. */
export function jobFact(
  { row, job }: JobRun,
  context: JobContext,
  fact: string,
  previous: string | null,
  detail: FactDetail,
  more: { readonly reason?: string; readonly facts?: string; readonly actor?: Pick<Actor, 'actor_id' | 'authenticated_by'> } = {},
): RecordDraft {
  return draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(`run/${row.run_id}`, job.job_digest)],
    predicate: {
      ...recordHead(context, more.actor ?? (JSON.parse(job.actor) as Actor), previous),
      fact,
      subject: `run/${row.run_id}`,
      digest: job.job_digest,
      reason: more.reason ?? null,
      detail,
    },
    ...recordOwner(row, context.at),
    ...(more.facts === undefined ? {} : { facts: more.facts }),
  });
}

/** OFS_BUILD_REQUESTED, MF_TRAIN_COMPLETED and their like: only of the kinds that others wait for. */
export function kindFact(run: JobRun, context: JobContext, what: 'requested' | 'completed', detail: FactDetail): RecordDraft[] {
  const { job_kind } = run.job;
  if (job_kind === 'analysis') return [];
  return [jobFact(run, context, `${job_kind}.${what}`, null, { type: `${job_kind}_${what}`.toUpperCase(), ...detail })];
}
