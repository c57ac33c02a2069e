import type { ReplayMend, ReplayRange, ReplayRow } from '@govctl/core/handoff';
import type { Query } from '../../db/index.ts';

export type ReplayStep =
  /** Rows were run again, and the checkpoint moved over them. */
  | { readonly kind: 'applied'; readonly rows: number; readonly mended: ReplayMend }
  /** What comes next was not read by the tail: its source was rewound, and it reads again. */
  | { readonly kind: 'waiting' }
  /** It was stopped, or another host runs it. */
  | { readonly kind: 'standby' };

/** Runs rows of the birth sources through their effects again. What a step throws was not done, and the next step does it. */
export type Replayer = {
  /** One batch of at most `rows` rows, its effects and the checkpoint in one transaction that only the holder of the lease commits. */
  step(replayId: string, rows: number): ReplayStep | Promise<ReplayStep>;
  /** Nothing is left to run for now. */
  rest(): void | Promise<void>;
};

/** What rows of a range lack, counted; never anything of rows that stand in the quarantine. */
export type ReplayProof = {
  readonly row_count: number;
  readonly last_id: number;
  readonly candidates: number;
  readonly events: number;
  readonly changes: number;
  readonly held_rows: number;
};

export type ReplaySlice = Pick<ReplayRange, 'source' | 'object_key'> & {
  readonly low: number;
  readonly high: number;
  readonly rows: number;
};
export type ReplaySpan = {
  readonly source: ReplayRange['source'];
  readonly object_key: string | null;
  readonly since: string | null;
  readonly until: string | null;
};

/** The reads of a replay that look at the birth tables. */
export type ReplayQueries = {
  prove(slice: ReplaySlice): Query<ReplayProof>;
  /** First and last id, and how many rows, of a range that may be told by moments too. */
  span(span: ReplaySpan & { readonly from_id: number; readonly to_id: number }): Query<{
    first_id: number | null;
    last_id: number | null;
    row_count: number;
  }>;
};

/** The checkpoint moves over a batch; `status` says that nobody stopped it meanwhile. */
export const advanceSql = `UPDATE handoff_replay SET position = :position, rows_read = rows_read + :row_count,
    mended_candidates = mended_candidates + :candidates, mended_events = mended_events + :events, mended_changes = mended_changes + :changes,
    held_rows = held_rows + :held_rows, last_batch_at = :at
  WHERE replay_id = :replay_id AND status = 'running'`;

export type ReplayCheckpoint = Pick<ReplayRow, 'replay_id' | 'source' | 'to_id' | 'object_key' | 'position' | 'status'>;
export const checkpointSql =
  'SELECT replay_id, source, to_id, object_key, position, status FROM handoff_replay WHERE replay_id = :replay_id';
