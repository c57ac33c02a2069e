import { type AlertSettings, type AlertSignal, hear } from '@govctl/core/alert';
import { dueOf, eventIdOf, firstOf, orderKey, type ParkedEvent, type PlacedEvent, parkedEvent } from '@govctl/core/event';
import type { Change } from '@govctl/core/journal';
import { holdLease } from '@govctl/core/lease';
import { type Backoff, backoffMs } from '@govctl/core/webhook';
import { alertsOf, changesOf, firingAmong } from '../alert/tenant.ts';
import type { Database } from '../db/index.ts';
import type { EventFeed } from '../event/index.ts';
import { inInbox } from '../event/lane/queries.ts';
import type { Journal } from '../journal/index.ts';
import type { Handler } from './handler.ts';

export type RoundDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly feed: EventFeed;
  readonly handlers: readonly Handler[];
  readonly source: string;
  readonly settingsOf: (tenant_id: string) => AlertSettings;
  readonly holder: string;
  readonly now: () => string;
  readonly random: () => number;
  readonly counted: (what: 'received' | 'handled' | 'failed' | 'dead', events: number) => void;
  readonly handlerTimeoutMs: number;
};

export const lane = { lane: 'reactor', consumer: 'reactor' } as const;
const backoff: Backoff = { base_ms: 1_000, factor: 4, cap_ms: 60_000 };
/** Attempts before an event is dead for a handler: about two minutes. */
const attemptLimit = 5;
/** Waiting events before nothing more is read: they are rows, and what is not read is kept in the outbox anyway. */
export const waitingLimit = 1000;
/** Retries of one round. */
const retryLimit = 64;

type Tried = {
  readonly event: PlacedEvent;
  readonly handler: Handler;
  readonly signals: readonly AlertSignal[];
  readonly error: string | null;
};

/** Where the reader stands: in memory, which may be ahead, and in the database. */
export type Place = { readonly position: number; readonly stored: number };

export type Round = Place & {
  /** Whether there may be more to do at once. */
  readonly more: boolean;
};

/**
 * One round: what waits and is due, then the next events of the feed. Effects, marks of the inbox, what failed and the position are one
 * unit. Without an effect nothing is written: the caller moves the stored position now and then, and reading again does nothing twice.
 *
 * @returns null when the lease, the position or an alert was moved by somebody else: read again
 */
export async function reactorRound(
  deps: RoundDependencies,
  { stored, position: from }: Place,
  waiting: readonly ParkedEvent[],
  signal: AbortSignal,
): Promise<Round | null> {
  const { journal, feed, now, counted } = deps;
  const retried = await retry(deps, dueOf(waiting, now()).slice(0, retryLimit), signal);
  const full = waiting.length >= waitingLimit;
  const events = full ? [] : await feed.read(from + 1);
  const position = events.at(-1)?.position ?? from;
  const blocked = new Set(firstOf(waiting).keys());
  const tried: Tried[] = [];
  const parked: ParkedEvent[] = [];
  for (const event of events) {
    for (const handler of deps.handlers) {
      if (handler.on !== '*' && handler.on !== event.draft.type) continue;
      const key = orderKey(handler.name, event.draft.subject);
      if (blocked.has(key)) {
        parked.push(parkedEvent('reactor', event, handler.name, now()));
        continue;
      }
      const outcome = await attempt(deps, event, handler, signal);
      if (outcome.error === null) tried.push(outcome);
      else {
        blocked.add(key);
        parked.push(failed(deps, parkedEvent('reactor', event, handler.name, now()), outcome.error));
      }
    }
  }
  if (signal.aborted) return { position: from, stored, more: false };
  const done = retried.filter(({ outcome }) => outcome.error === null);
  const again = retried.filter(({ outcome }) => outcome.error !== null).map(({ row, outcome }) => failed(deps, row, outcome.error ?? ''));
  const effects = await effectsOf(deps, [...done.map(({ outcome }) => outcome), ...tried]);
  const put = [...parked, ...again];
  const changes: Change[] = [
    ...effects,
    ...(put.length === 0 ? [] : [{ write: 'lane.park', values: { rows: JSON.stringify(put) } } as const]),
    ...unparked(done.map(({ row }) => row)),
  ];
  if (changes.length > 0) {
    const move = { ...lane, expected: stored, position, at: now() };
    const result = await journal.commit({
      label: 'reactor.handle',
      changes: [holdLease('reactor', deps.holder, now()), { write: 'lane.move', values: move }, ...changes],
      records: [],
      events: [],
    });
    if (!result.ok) return null;
  }
  const incomplete = new Set(parked.map((row) => row.position));
  counted('received', events.length);
  counted('handled', events.length - incomplete.size + done.length);
  counted('failed', put.filter(({ last_error }) => last_error !== null).length);
  counted('dead', put.filter(({ state }) => state === 'dead').length);
  return { position, stored: changes.length > 0 ? position : stored, more: events.length > 0 || done.length > 0 };
}

async function retry(deps: RoundDependencies, rows: readonly ParkedEvent[], signal: AbortSignal) {
  const outcomes: { readonly row: ParkedEvent; readonly outcome: { readonly error: string | null } & Omit<Tried, 'error'> }[] = [];
  for (const row of rows) {
    const [event] = await deps.feed.read(row.position);
    const handler = deps.handlers.find(({ name }) => name === row.consumer);
    if (event === undefined) continue;
    const missing: Tried = { event, handler: gone(row.consumer), signals: [], error: 'there is no such handler any more' };
    outcomes.push({ row, outcome: handler === undefined ? missing : await attempt(deps, event, handler, signal) });
  }
  return outcomes;
}

const gone = (name: string): Handler => ({ name, on: '*', handle: () => [] });

async function attempt({ handlerTimeoutMs }: RoundDependencies, event: PlacedEvent, handler: Handler, outer: AbortSignal): Promise<Tried> {
  const tried = { event, handler };
  try {
    const result = handler.handle(event, outer);
    // Most answer at once: an await each would cost more than they do.
    const signals = result instanceof Promise ? await inTime(result, handlerTimeoutMs) : result;
    return { ...tried, signals, error: null };
  } catch (error) {
    return { ...tried, signals: [], error: (error instanceof Error ? error.message : String(error)).slice(0, 512) };
  }
}

async function inTime<T>(result: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
  });
  return await Promise.race([result, late]).finally(() => clearTimeout(timer));
}

function failed({ now, random }: RoundDependencies, row: ParkedEvent, last_error: string): ParkedEvent {
  const attempts = row.attempts + 1;
  if (attempts >= attemptLimit) return { ...row, state: 'dead', attempts, next_attempt_at: null, last_error };
  const next_attempt_at = new Date(Date.parse(now()) + backoffMs(backoff, attempts, random())).toISOString();
  return { ...row, attempts, next_attempt_at, last_error };
}

function unparked(rows: readonly ParkedEvent[]): readonly Change[] {
  const byConsumer = Map.groupBy(rows, ({ consumer }) => consumer);
  return [...byConsumer].map(([consumer, of]) => ({
    write: 'lane.unpark',
    values: { lane: 'reactor', consumer, positions: JSON.stringify(of.map(({ position }) => position)) },
  }));
}

/** Alerts of what has an effect and never had it before; each such event goes into the inbox with it. */
async function effectsOf(deps: RoundDependencies, tried: readonly Tried[]): Promise<readonly Change[]> {
  const speaking = tried.filter(({ signals }) => signals.length > 0);
  if (speaking.length === 0) return [];
  const { database, source } = deps;
  const changes: Change[] = [];
  const marks: { readonly event_id: string; readonly consumer: string }[] = [];
  for (const [tenant_id, of] of Map.groupBy(speaking, ({ event }) => event.draft.tenant_id)) {
    const known = await handledBefore(database, source, of);
    const fresh = of.filter(({ event, handler }) => !known.has(`${eventIdOf(event)} ${handler.name}`));
    const keys = fresh.flatMap(({ signals }) => signals.map(({ alert_key }) => alert_key));
    const fires = fresh.some(({ signals }) => signals.some(({ state }) => state === 'firing'));
    // Most runs succeed, and end an alert that is not there.
    if (!fires && (await database.read([firingAmong({ tenant_id, keys: JSON.stringify(keys) })]))[0].length === 0) continue;
    const before = await alertsOf(database, tenant_id);
    const signals = fresh.flatMap((one) => one.signals);
    changes.push(...changesOf(tenant_id, before, hear(before, signals, deps.settingsOf(tenant_id), deps.now())));
    marks.push(...fresh.map(({ event, handler }) => ({ event_id: eventIdOf(event), consumer: handler.name })));
  }
  if (marks.length === 0) return [];
  return [{ write: 'inbox.add', values: { source, events: JSON.stringify(marks), at: deps.now() } }, ...changes];
}

async function handledBefore(database: Database, source: string, tried: readonly Tried[]): Promise<ReadonlySet<string>> {
  const ids = JSON.stringify(tried.map(({ event }) => eventIdOf(event)));
  const [rows] = await database.read([inInbox({ source, ids })]);
  return new Set(rows.map(({ event_id, consumer }) => `${event_id} ${consumer}`));
}
