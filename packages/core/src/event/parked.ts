import type { PlacedEvent } from './envelope.ts';
import type { LaneName, ParkedEvent } from './lane-write.ts';

/** Names a subject at a consumer: what of it comes later waits for what comes earlier. */
export const orderKey = (consumer: string, subject: string): string => `${consumer}\n${subject}`;

type Waiting = Pick<ParkedEvent, 'consumer' | 'subject' | 'position' | 'next_attempt_at'>;

/** Which of the waiting may be tried now: the first of each subject at each consumer, when its time came. */
export function dueOf<Row extends Waiting>(waiting: readonly Row[], now: string): readonly Row[] {
  return [...firstOf(waiting).values()].filter(({ next_attempt_at }) => next_attempt_at === null || next_attempt_at <= now);
}

/** The first that waits of each subject at each consumer, by `orderKey`. */
export function firstOf<Row extends Waiting>(waiting: readonly Row[]): ReadonlyMap<string, Row> {
  const first = new Map<string, Row>();
  for (const row of waiting) {
    const key = orderKey(row.consumer, row.subject);
    const known = first.get(key);
    if (known === undefined || row.position < known.position) first.set(key, row);
  }
  return first;
}

/** Id of an event: unique in its source. */
export const eventIdOf = ({ outbox_id, index }: Pick<PlacedEvent, 'outbox_id' | 'index'>): string => `${outbox_id}.${index}`;

/** An event put aside at one reader of a lane, not tried yet. */
export function parkedEvent(lane: LaneName, event: PlacedEvent, consumer: string, at: string): ParkedEvent {
  const { draft, position } = event;
  return {
    lane,
    consumer,
    position,
    event_id: eventIdOf(event),
    event_type: draft.type,
    subject: draft.subject,
    tenant_id: draft.tenant_id,
    dataset_id: draft.dataset_id,
    state: 'waiting',
    attempts: 0,
    next_attempt_at: null,
    parked_at: at,
    last_error: null,
  };
}
