import type { ReplayRow } from '@govctl/core/handoff';
import { query } from '../../db/index.ts';

const columns = `replay_id, source, from_id, to_id, object_key, rate, reason, status, position, rows_total, rows_read, mended_candidates,
  mended_events, mended_changes, held_rows, started_at, started_by, authenticated_by, last_batch_at, ended_at, ended_by, evidence_ref, ended_ref`;

/** The replay whose turn it is: one after the other, in the order they were started. */
export const nextReplay = query<Record<never, never>, ReplayRow>(
  'next replay',
  `SELECT ${columns} FROM handoff_replay WHERE status = 'running' ORDER BY started_at, replay_id LIMIT 1`,
);

export const replayById = query<{ replay_id: string }, ReplayRow>(
  'replay by id',
  `SELECT ${columns} FROM handoff_replay WHERE replay_id = :replay_id`,
);

/** Running ones first, then the newest. */
export const replayList = query<{ limit: number }, ReplayRow>(
  'replays',
  `SELECT ${columns} FROM handoff_replay ORDER BY CASE status WHEN 'running' THEN 0 ELSE 1 END, started_at DESC, replay_id LIMIT :limit`,
);

export const readUpto = query<{ source: string }, { low_water: number }>(
  'how far the tail has read',
  'SELECT min(low_water) AS low_water FROM handoff_cursor WHERE source = :source',
);

export const replayCount = query<Record<never, never>, { running: number }>(
  'running replays',
  "SELECT count(*) AS running FROM handoff_replay WHERE status = 'running'",
);
