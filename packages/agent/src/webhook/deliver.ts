import { dueOf, firstOf, orderKey, type ParkedEvent, type PlacedEvent, parkedEvent } from '@govctl/core/event';
import type { Change } from '@govctl/core/journal';
import { holdLease } from '@govctl/core/lease';
import { type Backoff, backoffMs, eventMessage } from '@govctl/core/webhook';
import type { Database } from '../db/index.ts';
import type { EventFeed } from '../event/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Endpoint, Failure } from './endpoint.ts';

export type DeliverDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly feed: EventFeed;
  readonly endpoint: Endpoint;
  readonly wanted: (event: PlacedEvent) => boolean;
  readonly source: string;
  readonly attemptLimit: number;
  readonly holder: string;
  readonly now: () => string;
  readonly random: () => number;
  readonly counted: (what: 'delivered' | 'failed' | 'dead', events: number) => void;
};

/** Ten attempts of one event take about fourteen hours. */
const backoff: Backoff = { base_ms: 5_000, factor: 4, cap_ms: 14_400_000 };
const longestRetryAfterS = 14_400;
/** Waiting events before nothing more is read: what is not read is kept in the outbox anyway. */
export const waitingLimit = 64;
/** Events sent before the position is written: what a killed daemon may send twice. */
const chunkEvents = 32;
/** How many events nobody wanted may be read again after a restart. */
const unwantedEvents = 10_000;
/** After so many failures in a row without a success the rest of a round is not tried: the receiver is down. */
const giveUpAfter = 4;
/** Subjects at a time. */
const concurrency = 4;

const contentType = 'application/cloudevents+json; charset=utf-8';

export type Delivered = {
  readonly position: number;
  readonly stored: number;
  readonly more: boolean;
  /** How the receiver answered in this round: `up` if it took anything. */
  readonly receiver: 'up' | 'down' | 'unknown';
};

/** `probe`: the receiver is down, and one event asks whether it still is. */
export type Mood = 'usual' | 'probe';

/** What waits and may be tried: the first of each subject. */
export function retriesOf(waiting: readonly ParkedEvent[], mood: Mood, now: string): readonly ParkedEvent[] {
  return mood === 'probe' ? waiting.slice(0, 1) : dueOf(waiting, now);
}

type Attempt = { readonly event: PlacedEvent; readonly row: ParkedEvent; readonly parked: boolean };

/**
 * One round for one endpoint: what waits and is due, then the next events. Per subject one after another, and after one that failed
 * the later ones of its subject wait behind it; other subjects go on. What was delivered is marked after it was, in one unit with what
 * failed and the position: killed in between, a daemon sends those again under the same ids.
 *
 * @returns null when the lease or the position is somebody else's: read again
 */
export async function deliverRound(
  deps: DeliverDependencies,
  place: { readonly position: number; readonly stored: number },
  waiting: readonly ParkedEvent[],
  mood: Mood,
  signal: AbortSignal,
): Promise<Delivered | null> {
  const { feed, journal, endpoint, now } = deps;
  const probing = mood === 'probe' && waiting.length > 0;
  const retries = await eventsOf(feed, retriesOf(waiting, mood, now()).slice(0, chunkEvents));
  const room = probing ? 0 : Math.max(0, waitingLimit - waiting.length);
  const read = await nextEvents(deps, place.position, room);
  const blocked = new Set(firstOf(waiting).keys());
  const parked: ParkedEvent[] = [];
  const fresh: Attempt[] = [];
  for (const event of read.events) {
    const row = parkedEvent('webhook', event, endpoint.name, now());
    if (blocked.has(orderKey(endpoint.name, row.subject))) parked.push(row);
    else fresh.push({ event, row, parked: false });
  }
  const outcome = await sendAll(deps, [...retries, ...fresh], probing, signal);
  parked.push(...outcome.failed);
  // It is up again: what waited for it need wait no longer.
  if (probing && outcome.done.length > 0) parked.push(...waiting.slice(1).map((row) => ({ ...row, next_attempt_at: null })));
  const position = signal.aborted ? place.position : read.position;
  const changes: Change[] = [];
  const done = outcome.done.filter(({ parked: waited }) => waited).map(({ row }) => row.position);
  if (parked.length > 0) changes.push({ write: 'lane.park', values: { rows: JSON.stringify(parked) } });
  if (done.length > 0)
    changes.push({ write: 'lane.unpark', values: { lane: 'webhook', consumer: endpoint.name, positions: JSON.stringify(done) } });
  // What was sent is worth a write at once; a reading of what nobody wanted is not.
  const writes = changes.length > 0 || fresh.length > 0 || position - place.stored >= unwantedEvents;
  if (writes) {
    const move = { lane: 'webhook', consumer: endpoint.name, expected: place.stored, position, at: now() } as const;
    const result = await journal.commit({
      label: 'webhook.deliver',
      changes: [holdLease('webhook', deps.holder, now()), { write: 'lane.move', values: move }, ...changes],
      records: [],
      events: [],
    });
    if (!result.ok) return null;
  }
  deps.counted('delivered', outcome.done.length);
  deps.counted('failed', outcome.failed.filter(({ last_error }) => last_error !== null).length);
  deps.counted('dead', outcome.failed.filter(({ state }) => state === 'dead').length);
  const receiver = outcome.done.length > 0 ? 'up' : outcome.failed.some(({ last_error }) => last_error !== null) ? 'down' : 'unknown';
  return { position, stored: writes ? position : place.stored, more: read.more || outcome.done.length > 0, receiver };
}

/** The next events for this endpoint; what nobody wants is passed over without being sent or kept. */
async function nextEvents(
  { feed, wanted }: DeliverDependencies,
  from: number,
  room: number,
): Promise<{ readonly events: readonly PlacedEvent[]; readonly position: number; readonly more: boolean }> {
  const events: PlacedEvent[] = [];
  if (room <= 0) return { events, position: from, more: false };
  const found = await feed.read(from + 1);
  let position = from;
  for (const event of found) {
    if (wanted(event)) {
      if (events.length >= Math.min(room, chunkEvents)) return { events, position, more: true };
      events.push(event);
    }
    position = event.position;
  }
  return { events, position, more: found.length > 0 };
}

async function eventsOf(feed: EventFeed, rows: readonly ParkedEvent[]): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const row of rows) {
    const [event] = await feed.read(row.position);
    if (event !== undefined) attempts.push({ event, row, parked: true });
  }
  return attempts;
}

/** Sends each subject's events in their order, some subjects at a time. */
async function sendAll(deps: DeliverDependencies, attempts: readonly Attempt[], probing: boolean, signal: AbortSignal) {
  const queues = [...Map.groupBy(attempts, ({ row }) => row.subject).values()];
  const done: Attempt[] = [];
  const failed: ParkedEvent[] = [];
  let tried = 0;
  const worker = async () => {
    for (let queue = queues.shift(); queue !== undefined; queue = queues.shift()) {
      let failure: Failure | null = null;
      for (const attempt of queue) {
        if (failure !== null || signal.aborted || (done.length === 0 && tried >= giveUpAfter)) {
          if (!attempt.parked) failed.push(attempt.row);
          continue;
        }
        tried += 1;
        failure = await deps.endpoint.send(eventMessage(attempt.event, deps.source), contentType, signal);
        if (failure === null) done.push(attempt);
        else if (signal.aborted) {
          if (!attempt.parked) failed.push(attempt.row);
        } else failed.push(failedRow(deps, attempt.row, failure, probing));
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { done, failed };
}

/** A probe of a receiver that is down is not an attempt of the event: what is wrong is not its fault. */
function failedRow(deps: DeliverDependencies, row: ParkedEvent, failure: Failure, probing: boolean): ParkedEvent {
  const scheduled = !probing || row.next_attempt_at === null || row.next_attempt_at <= deps.now();
  if (!scheduled) return { ...row, last_error: failure.error };
  const attempts = row.attempts + 1;
  if (attempts >= deps.attemptLimit) return { ...row, state: 'dead', attempts, next_attempt_at: null, last_error: failure.error };
  const asked = Math.min(failure.retry_after_s ?? 0, longestRetryAfterS) * 1000;
  const pause = Math.max(asked, backoffMs(backoff, attempts, deps.random()));
  return { ...row, attempts, next_attempt_at: new Date(Date.parse(deps.now()) + pause).toISOString(), last_error: failure.error };
}
