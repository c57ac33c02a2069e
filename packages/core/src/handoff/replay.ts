import type { Unit } from '../journal/unit.ts';
import { holdLease } from '../lease/lease.ts';
import { factRecord, type HandoffContext } from './handoff-unit.ts';

export const replaySources = ['birth_registry', 'registry_changelog'] as const;
export type ReplaySource = (typeof replaySources)[number];
export const replayStatuses = ['running', 'complete', 'stopped'] as const;

/** A range of a birth source, by ids, both ends of it in; of one object or of all. */
export type ReplayRange = {
  readonly source: ReplaySource;
  readonly from_id: number;
  readonly to_id: number;
  readonly object_key: string | null;
};

/** What a range lacked: births without candidate, births without event, changes that were not applied. */
export type ReplayMend = { readonly candidates: number; readonly events: number; readonly changes: number };

/** A row of handoff_replay. */
export type ReplayRow = ReplayRange & {
  readonly replay_id: string;
  readonly rate: number | null;
  readonly reason: string | null;
  readonly status: (typeof replayStatuses)[number];
  /** Every row of the range up to this id was run again: the checkpoint. */
  readonly position: number;
  readonly rows_total: number;
  readonly rows_read: number;
  readonly mended_candidates: number;
  readonly mended_events: number;
  readonly mended_changes: number;
  readonly held_rows: number;
  readonly started_at: string;
  readonly started_by: string;
  readonly authenticated_by: string;
  readonly last_batch_at: string | null;
  readonly ended_at: string | null;
  readonly ended_by: string | null;
  readonly evidence_ref: string;
  readonly ended_ref: string | null;
};

export type ReplayRequest = ReplayRange & {
  readonly replay_id: string;
  readonly rate: number | null;
  readonly reason: string | null;
  readonly rows_total: number;
};

export type ReplayWrites = {
  'handoff-replay.start': ReplayRequest & {
    readonly started_at: string;
    readonly started_by: string;
    readonly authenticated_by: string;
    readonly evidence_ref: string;
  };
  /** From running to stopped or complete. `reached` is the checkpoint that the record names: what ran since then is not in it. */
  'handoff-replay.end': {
    readonly replay_id: string;
    readonly status: 'complete' | 'stopped';
    readonly reached: number;
    readonly ended_at: string;
    readonly ended_by: string;
    readonly ended_ref: string;
  };
};

/** What stands in the way of a range; null when it can be run. `read_upto` is where the tail has read everything. */
export function rangeFault(range: ReplayRange, readUpto: number, rowsTotal: number): { detail: string; hint: string } | null {
  const { source, from_id, to_id, object_key } = range;
  const tryout = 'govctl handoff replay --dry-run';
  if (from_id > to_id) {
    return { detail: `the range runs backwards: from ${from_id} to ${to_id}`, hint: 'name the smaller id with --from' };
  }
  if (to_id > readUpto) {
    return {
      detail: `${source} was read up to id ${readUpto}, and the range ends at ${to_id}: what was not read yet cannot be run again`,
      hint: readUpto === 0 ? 'govctl handoff status' : `${tryout} --source ${source} --to ${readUpto}`,
    };
  }
  if (rowsTotal > 0) return null;
  const of = object_key === null ? '' : ` of ${object_key}`;
  return { detail: `there is no row${of} in ${source} from id ${from_id} to ${to_id}`, hint: `${tryout} --source ${source}` };
}

/** Starts a replay: from its commit on it goes on by itself, over restarts too, until it is complete or stopped. */
export function startReplay(context: HandoffContext, request: ReplayRequest): Unit {
  const { reason, ...detail } = request;
  const draft = factRecord(context, { fact: 'handoff.replay-start', subject: `handoff-replay/${request.replay_id}`, reason, detail });
  const values = {
    ...request,
    started_at: context.at,
    started_by: context.actor.actor_id,
    authenticated_by: context.actor.authenticated_by,
    evidence_ref: draft.ref,
  };
  return { label: 'handoff.replay-start', changes: [{ write: 'handoff-replay.start', values }], records: [draft], events: [] };
}

function endOf(row: ReplayRow) {
  const { replay_id, source, from_id, to_id, object_key, position, rows_read, held_rows } = row;
  const mended = { candidates: row.mended_candidates, events: row.mended_events, changes: row.mended_changes };
  return { replay_id, source, from_id, to_id, object_key, position, rows_read, mended, held_rows };
}

/** Stops a replay where it is. What it mended stays: it is what the tail would have done. */
export function stopReplay(context: HandoffContext, row: ReplayRow, reason: string): Unit {
  const draft = factRecord(context, {
    fact: 'handoff.replay-stop',
    subject: `handoff-replay/${row.replay_id}`,
    reason,
    detail: endOf(row),
  });
  const { replay_id, position: reached } = row;
  const values = {
    replay_id,
    status: 'stopped' as const,
    reached,
    ended_at: context.at,
    ended_by: context.actor.actor_id,
    ended_ref: draft.ref,
  };
  return { label: 'handoff.replay-stop', changes: [{ write: 'handoff-replay.end', values }], records: [draft], events: [] };
}

/** Records what a replay came to, for whoever started it; written by the holder of the lease alone. */
export function completeReplay(context: Omit<HandoffContext, 'actor'>, row: ReplayRow, holder: string): Unit {
  const actor = { actor_id: row.started_by, authenticated_by: row.authenticated_by };
  const draft = factRecord(
    { ...context, actor },
    { fact: 'handoff.replay-complete', subject: `handoff-replay/${row.replay_id}`, reason: row.reason, detail: endOf(row) },
  );
  const { replay_id, position: reached } = row;
  const values = {
    replay_id,
    status: 'complete' as const,
    reached,
    ended_at: context.at,
    ended_by: row.started_by,
    ended_ref: draft.ref,
  };
  return {
    label: 'handoff.replay-complete',
    changes: [holdLease('handoff-replay', holder, context.at), { write: 'handoff-replay.end', values }],
    records: [draft],
    events: [],
  };
}
