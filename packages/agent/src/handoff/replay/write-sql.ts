import type { ReplayRequest } from '@govctl/core/handoff';
import type { WriteName } from '@govctl/core/journal';
import type { WriteSql } from '../../db/index.ts';

type ReplayWriteName = Extract<WriteName, `handoff-replay.${string}` | `birth-permit.${string}`>;

const started = [
  'replay_id',
  'source',
  'from_id',
  'to_id',
  'object_key',
  'rate',
  'reason',
  'rows_total',
] as const satisfies readonly (keyof ReplayRequest)[];

/** What starts and ends a replay, and the record of a permit. What a replay mends in between is its own (`replay.ts`). */
export const replayWriteSql: Record<ReplayWriteName, WriteSql> = {
  'handoff-replay.start': {
    sql: `INSERT INTO handoff_replay (${started.join(', ')}, status, position, started_at, started_by, authenticated_by, evidence_ref)
          SELECT ${started.map((name) => `:${name}`).join(', ')}, 'running', :from_id - 1, :started_at, :started_by, :authenticated_by, :evidence_ref
          WHERE NOT EXISTS (SELECT 1 FROM handoff_replay WHERE replay_id = :replay_id)`,
    changes: 1,
    guard: 'replay-is-new',
  },
  'handoff-replay.end': {
    sql: `UPDATE handoff_replay SET status = :status, ended_at = :ended_at, ended_by = :ended_by, ended_ref = :ended_ref
          WHERE replay_id = :replay_id AND status = 'running' AND position = :reached`,
    changes: 1,
    guard: 'replay-as-seen',
  },
  'birth-permit.record': {
    sql: `INSERT INTO birth_permit_record (permit_id, evidence_ref, recorded_at)
          SELECT :permit_id, :evidence_ref, :recorded_at WHERE NOT EXISTS (SELECT 1 FROM birth_permit_record WHERE permit_id = :permit_id)`,
    changes: 1,
    guard: 'permit-not-recorded',
  },
};
