import type { LaneName, ParkedEvent } from '@govctl/core/event';
import { listed, query } from '../../db/index.ts';

export type LaneRow = {
  readonly lane: LaneName;
  readonly consumer: string;
  readonly position: number;
  readonly moved_at: string;
  readonly heartbeat_at: string | null;
};

export const laneByName = query<{ lane: LaneName; consumer: string }, LaneRow>(
  'lane by name',
  'SELECT * FROM event_lane WHERE lane = :lane AND consumer = :consumer',
);

export const lanes = query<Record<never, never>, LaneRow>('lanes', 'SELECT * FROM event_lane ORDER BY lane, consumer');

/** What waits in a lane, oldest first; `consumer` null: at any of its handlers. */
export const waitingIn = query<{ lane: LaneName; consumer: string | null; limit: number }, ParkedEvent>(
  'waiting events',
  `SELECT * FROM event_parked
   WHERE lane = :lane AND (:consumer IS NULL OR consumer = :consumer) AND state = 'waiting' ORDER BY position, consumer LIMIT :limit`,
);

export const parkedCounts = query<Record<never, never>, { lane: LaneName; consumer: string; state: 'waiting' | 'dead'; events: number }>(
  'parked counts',
  'SELECT lane, consumer, state, count(*) AS events FROM event_parked GROUP BY lane, consumer, state ORDER BY lane, consumer, state',
);

/** What stands aside, oldest first; each filter may be left out. */
export const parkedEvents = query<
  { lane: LaneName | null; event_id: string | null; state: 'waiting' | 'dead' | null; limit: number },
  ParkedEvent
>(
  'parked events',
  `SELECT * FROM event_parked
   WHERE (:lane IS NULL OR lane = :lane) AND (:event_id IS NULL OR event_id = :event_id) AND (:state IS NULL OR state = :state)
   ORDER BY position, lane, consumer LIMIT :limit`,
);

/** Which of these events had an effect before, at whom. */
export const inInbox = query<{ source: string; ids: string }, { event_id: string; consumer: string }>(
  'events in the inbox',
  listed('ids', (ids) => `SELECT event_id, consumer FROM event_inbox WHERE source = :source AND event_id IN (${ids})`),
);
