import type { ParkedEvent } from './lane-write.ts';

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
