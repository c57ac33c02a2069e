import { Readable } from 'node:stream';
import { type eventRoutes, Problem } from '@govctl/core/api';
import { cloudEventOf, type EventType, formatSse, type PlacedEvent, sseHeartbeat, typesMatching } from '@govctl/core/event';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { type Handlers, Reply } from '../http/index.ts';
import type { EventFeed } from './feed.ts';

export type EventDependencies = {
  readonly feed: EventFeed;
  /** CloudEvents `source`: a URI reference of this deployment. */
  readonly source: string;
};

const heartbeatMilliseconds = 15_000;
/** News is a hint: another process may dispatch. */
const pollMilliseconds = 1_000;
/** Readers at a time; each costs up to half a megabyte while it is slow. */
const readerLimit = 64;

type Wanted = {
  readonly actor: Actor;
  readonly types: ReadonlySet<EventType>;
  readonly tenant_id: string | undefined;
  readonly dataset_id: string | undefined;
  readonly run_id: string | undefined;
};

/** The embedded lane. */
export function eventHandlers({ feed, source }: EventDependencies): Handlers<typeof eventRoutes> {
  let readers = 0;

  /** Reads on only as fast as the client takes: a slow one holds one reading, never a growing queue. */
  async function* stream(from: number, wanted: Wanted, follow: boolean, signal: AbortSignal): AsyncGenerator<string> {
    let next = from;
    let said = performance.now();
    // Sends the headers at once, so that a client knows it is connected.
    yield sseHeartbeat;
    while (!signal.aborted) {
      const events = await feed.read(next);
      let text = '';
      for (const event of events) {
        next = event.position + 1;
        if (!isWanted(event, wanted)) continue;
        text += formatSse({ id: String(event.position), event: event.draft.type, data: cloudEventOf(event, source) });
        if (text.length < 65_536) continue;
        yield text;
        text = '';
        said = performance.now();
        if (signal.aborted) return;
      }
      if (text !== '') {
        yield text;
        said = performance.now();
      }
      if (events.length > 0) continue;
      if (!follow) return;
      if (performance.now() - said >= heartbeatMilliseconds) {
        yield sseHeartbeat;
        said = performance.now();
      }
      await feed.news(pollMilliseconds, signal);
    }
  }

  /** Counts from the first reading on: a stream whose client was gone before that is dropped without running any of this. */
  async function* counted(messages: AsyncGenerator<string>): AsyncGenerator<string> {
    readers += 1;
    try {
      yield* messages;
    } finally {
      readers -= 1;
    }
  }

  return {
    async 'event.stream'({ query, actor, headers, signal }) {
      const types = typesMatching(query.type);
      if (types === null)
        throw new Problem('invalid-request', { detail: `no event type matches ${query.type ?? ''}`, hint: 'govctl help events' });
      const head = await feed.head();
      const from = startOf(query, headers['last-event-id'], head);
      if (readers >= readerLimit) {
        throw new Problem('too-many-requests', {
          detail: `${readers} readers follow the events already`,
          hint: 'end one of them',
          retryAfterSeconds: 10,
        });
      }
      const { tenant_id, dataset_id, run_id } = query;
      const messages = stream(from, { actor, types, tenant_id, dataset_id, run_id }, query.follow === 'true', signal);
      const body = Readable.from(counted(messages), { objectMode: true, highWaterMark: 1 });
      return new Reply(200, body, { 'content-type': 'text/event-stream; charset=utf-8' });
    },
  };
}

function startOf(
  query: { from?: number | undefined; last?: number | undefined },
  lastEventId: string | string[] | undefined,
  head: number,
): number {
  const resumed = lastEventId === undefined ? undefined : seen(lastEventId) + 1;
  const from = resumed ?? query.from ?? (query.last === undefined ? head + 1 : Math.max(1, head - query.last + 1));
  if (from <= head + 1) return from;
  throw new Problem('stale', {
    detail: `position ${from - 1} was never given by this daemon; the newest is ${head}. Was it restored from a backup?`,
    hint: 'read again from the start, and skip what is known by id: govctl event tail --from 1',
  });
}

function seen(lastEventId: string | string[]): number {
  const position = typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
  if (position === undefined) throw new Problem('invalid-request', { detail: 'Last-Event-ID is not a position' });
  return position;
}

/** What the reader asked for, of what it may see: an event without a dataset belongs to whoever may see all of the tenant. */
function isWanted({ draft }: PlacedEvent, wanted: Wanted): boolean {
  const { tenant_id, dataset_id, run_id, actor } = wanted;
  return (
    wanted.types.has(draft.type) &&
    (tenant_id === undefined || draft.tenant_id === tenant_id) &&
    (dataset_id === undefined || draft.dataset_id === dataset_id) &&
    (run_id === undefined || draft.run_id === run_id) &&
    mayAffect(actor, 'event.read', { tenant_id: draft.tenant_id, dataset_id: draft.dataset_id ?? '*' })
  );
}
