import type { LaneWrites } from '@govctl/core/event';
import type { WriteSql } from '../../db/index.ts';

const parkedColumns = [
  'lane',
  'consumer',
  'position',
  'event_id',
  'event_type',
  'subject',
  'tenant_id',
  'dataset_id',
  'state',
  'attempts',
  'next_attempt_at',
  'parked_at',
  'last_error',
] as const;
const numbers: ReadonlySet<string> = new Set(['position', 'attempts']);
const columns = parkedColumns.join(', ');
const upsert = `ON CONFLICT (lane, consumer, position) DO UPDATE
  SET state = excluded.state, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at, last_error = excluded.last_error`;

/** One statement per write of a reader of the outbox. */
export const laneWriteSql: Record<keyof LaneWrites, WriteSql> = {
  'lane.open': {
    sql: `INSERT INTO event_lane (lane, consumer, position, moved_at) VALUES (:lane, :consumer, :position, :at)
          ON CONFLICT (lane, consumer) DO NOTHING`,
    changes: 'any',
    guard: 'none',
  },
  'lane.move': {
    sql: 'UPDATE event_lane SET position = :position, moved_at = :at WHERE lane = :lane AND consumer = :consumer AND position = :expected',
    changes: 1,
    guard: 'lane-position',
  },
  'lane.beat': {
    sql: 'UPDATE event_lane SET heartbeat_at = :at WHERE lane = :lane AND consumer = :consumer',
    changes: 1,
    guard: 'lane',
  },
  'lane.park': {
    sql: {
      sqlite: `INSERT INTO event_parked (${columns})
          SELECT ${parkedColumns.map((name) => `value ->> '${name}'`).join(', ')} FROM json_each(:rows) WHERE true ${upsert}`,
      postgres: `INSERT INTO event_parked (${columns})
          SELECT ${columns} FROM json_to_recordset(CAST(:rows AS json))
            AS r(${parkedColumns.map((name) => `${name} ${numbers.has(name) ? 'bigint' : 'text'}`).join(', ')}) ${upsert}`,
    },
    changes: 'any',
    guard: 'none',
  },
  'lane.unpark': {
    sql: {
      sqlite: `DELETE FROM event_parked WHERE lane = :lane AND consumer = :consumer AND position IN (SELECT value FROM json_each(:positions))`,
      postgres: `DELETE FROM event_parked WHERE lane = :lane AND consumer = :consumer
          AND position IN (SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:positions AS json)))`,
    },
    changes: 'any',
    guard: 'none',
  },
  'inbox.add': {
    sql: {
      sqlite: `INSERT INTO event_inbox (source, event_id, consumer, handled_at)
          SELECT :source, value ->> 'event_id', value ->> 'consumer', :at FROM json_each(:events)`,
      postgres: `INSERT INTO event_inbox (source, event_id, consumer, handled_at)
          SELECT :source, event_id, consumer, :at FROM json_to_recordset(CAST(:events AS json)) AS r(event_id text, consumer text)`,
    },
    changes: 'any',
    guard: 'none',
  },
};
