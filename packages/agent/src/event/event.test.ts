import type { IncomingMessage } from 'node:http';
import { eventRoutes } from '@govctl/core/api';
import type { EventDraft, PlacedEvent } from '@govctl/core/event';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { anyGrant, type Served, serve, testActor } from '../http/serve.fixture.ts';
import { type TestJournal, testJournal } from '../journal/journal.fixture.ts';
import { dispatchEvents } from './dispatch.ts';
import { type EventFeed, eventFeed, readingAhead } from './feed.ts';
import { eventHandlers } from './handler.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function draft(name: string, more: Partial<EventDraft> = {}): EventDraft {
  const scope = { tenant_id: 'default', dataset_id: 'orders', layer: 'GDP', run_id: 'r1', environment: 'test' };
  return { type: 'run.started', subject: 'run/r1', time: '2026-11-21T03:00:00.000Z', ...scope, data: { name }, ...more };
}

async function publish(at: TestJournal, ...events: EventDraft[]): Promise<void> {
  const result = await at.journal.commit({ label: 'test', changes: [], records: [], events });
  expect(result.ok).toBe(true);
}

function lane(at: TestJournal, feed: EventFeed = eventFeed(at.database), holder = 'a', now = () => '2026-11-21T03:00:00.000Z') {
  return { feed, dispatch: () => dispatchEvents({ database: at.database, journal: at.journal, feed, holder, now }) };
}

async function all(feed: EventFeed): Promise<{ position: number; name: unknown; id: string }[]> {
  const found = [];
  for (let from = 1; ; ) {
    const some = await feed.read(from);
    const last = some.at(-1);
    if (last === undefined) return found;
    for (const { position, draft: one, outbox_id, index } of some)
      found.push({ position, name: one.data.name, id: `${outbox_id}.${index}` });
    from = last.position + 1;
  }
}

function opened(): TestJournal {
  const at = testJournal();
  closing.push(() => at.close());
  return at;
}

async function served(feed: EventFeed): Promise<Served> {
  const http = await serve(eventRoutes, eventHandlers({ feed, source: '/govd/test' }));
  closing.push(() => http.close());
  return http;
}

type Message = { id: string; event: string; data: { position: string; id: string; data: { name: string } } };

async function* messages(stream: IncomingMessage): AsyncGenerator<Message> {
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      if (part.startsWith(':')) continue;
      const fields = Object.fromEntries(
        part.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      );
      yield { id: fields.id ?? '', event: fields.event ?? '', data: JSON.parse(fields.data ?? 'null') as Message['data'] };
    }
  }
}

async function namesOf(http: Served, path: string, headers: Record<string, string> = {}): Promise<string[]> {
  const names = [];
  for await (const message of messages(await http.open('GET', path, { headers }))) names.push(message.data.data.name);
  return names;
}

test('positions are contiguous in commit order, however events were grouped and rounds fell, and survive restarts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ events: fc.integer({ min: 0, max: 4 }), after: fc.constantFrom('nothing', 'dispatch', 'restart') }), {
        maxLength: 12,
      }),
      async (steps) => {
        let at = testJournal();
        const expected: string[] = [];
        const seen = new Map<number, unknown>();
        try {
          for (const [step, { events, after }] of steps.entries()) {
            const names = Array.from({ length: events }, (_, index) => `${step}.${index}`);
            await publish(at, ...names.map((name) => draft(name)));
            expected.push(...names);
            if (after === 'restart') at = at.reopen();
            if (after === 'nothing') continue;
            const { dispatch, feed } = lane(at);
            expect(await dispatch()).toBe(0);
            for (const { position, name } of await all(feed)) {
              expect(seen.get(position) ?? name).toBe(name);
              seen.set(position, name);
            }
          }
          const { dispatch, feed } = lane(at);
          await dispatch();
          const found = await all(feed);
          expect(found.map(({ name }) => name)).toEqual(expected);
          expect(found.map(({ position }) => position)).toEqual(expected.map((_, index) => index + 1));
          expect(new Set(found.map(({ id }) => id)).size).toBe(expected.length);
          expect(await feed.head()).toBe(expected.length);
        } finally {
          at.close();
        }
      },
    ),
    { numRuns: 15 },
  );
});

test('a backlog of many rows gets its positions in rounds', async () => {
  const at = opened();
  const insert = at.handle.prepare('INSERT INTO outbox (committed_at, event_count, events) VALUES (?, 2, ?)');
  at.handle.transaction(() => {
    for (let row = 0; row < 5000; row += 1) insert.run('2026-11-21T03:00:00.000Z', JSON.stringify([draft(`${row}.0`), draft(`${row}.1`)]));
  })();
  const { dispatch, feed } = lane(at);
  expect(await dispatch()).toBe(904);
  expect(await dispatch()).toBe(0);
  const found = await all(feed);
  expect(found).toHaveLength(10_000);
  expect(found.at(-1)).toMatchObject({ position: 10_000, name: '4999.1' });
});

test('nothing is written while nothing waits', async () => {
  const at = opened();
  const { dispatch } = lane(at);
  const changes = () => at.handle.prepare('SELECT total_changes() AS n').get();
  const before = changes();
  expect(await dispatch()).toBe(0);
  expect(changes()).toEqual(before);
});

test('one process dispatches; another takes over when the lease ran out, and no position is given twice', async () => {
  const at = opened();
  let now = '2026-11-21T03:00:00.000Z';
  const feed = eventFeed(at.database);
  const first = lane(at, feed, 'first', () => now);
  const second = lane(at, feed, 'second', () => now);
  await publish(at, draft('a'));
  expect(await first.dispatch()).toBe(0);
  await publish(at, draft('b'));
  expect(await second.dispatch()).toBeNull();
  expect(await feed.head()).toBe(1);
  now = '2026-11-21T03:00:11.000Z';
  expect(await second.dispatch()).toBe(0);
  await publish(at, draft('c'));
  expect(await first.dispatch()).toBeNull();
  expect(await second.dispatch()).toBe(0);
  expect((await all(feed)).map(({ position, name }) => [position, name])).toEqual([
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
  ]);
  expect(at.handle.prepare("SELECT fence FROM lease WHERE lease_name = 'event-dispatch'").get()).toEqual({ fence: 2 });
  expect(() => at.handle.exec('UPDATE outbox_position SET first_position = 9 WHERE first_position = 3')).toThrow('never change');
});

test('an event that is committed but has no position yet is not shown', async () => {
  const at = opened();
  await publish(at, draft('a'));
  expect(await eventFeed(at.database).read(1)).toEqual([]);
});

test('a reading starts inside a row and ends at the budget, not at a row boundary of the reader', async () => {
  const at = opened();
  const { dispatch, feed } = lane(at);
  const long = 'x'.repeat(300_000);
  for (const name of ['a', 'b', 'c', 'd']) await publish(at, draft(`${name}0`, { data: { name: `${name}0`, long } }), draft(`${name}1`));
  await dispatch();
  expect((await feed.read(4)).map(({ draft: one }) => one.data.name)).toEqual(['b1', 'c0', 'c1']);
  expect((await feed.read(8)).map(({ draft: one }) => one.data.name)).toEqual(['d1']);
  expect(await feed.read(9)).toEqual([]);
});

test('the stream gives what was, then what comes, in order, and ends when the daemon stops', async () => {
  const at = opened();
  const { dispatch, feed } = lane(at);
  const http = await served(feed);
  await publish(at, draft('a'), draft('b', { type: 'store.gdp.promoted' }));
  await dispatch();
  const stream = await http.open('GET', '/v1/events?from=1');
  expect([stream.statusCode, stream.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const reading = messages(stream);
  const first = (await reading.next()).value as Message;
  expect(first).toMatchObject({
    id: '1',
    event: 'run.started',
    data: { id: '1.0', position: '1', source: '/govd/test', specversion: '1.0' },
  });
  expect(((await reading.next()).value as Message).event).toBe('store.gdp.promoted');
  const next = reading.next();
  await publish(at, draft('c'));
  await dispatch();
  expect(((await next).value as Message).data.data.name).toBe('c');
  const end = reading.next();
  await http.close();
  closing.pop();
  expect((await end).done).toBe(true);
});

test('a reader resumes after the last id it has seen and misses nothing', async () => {
  const at = opened();
  const { dispatch, feed } = lane(at);
  const http = await served(feed);
  await publish(at, ...['a', 'b', 'c', 'd'].map((name) => draft(name)));
  await dispatch();
  expect(await namesOf(http, '/v1/events?follow=false', { 'last-event-id': '2' })).toEqual(['c', 'd']);
  expect(await namesOf(http, '/v1/events?follow=false&from=1', { 'last-event-id': '4' })).toEqual([]);
  expect(await namesOf(http, '/v1/events?follow=false&last=3')).toEqual(['b', 'c', 'd']);
  expect(await namesOf(http, '/v1/events?follow=false')).toEqual([]);
});

test('type, dataset and run choose; a grant decides what may be seen at all', async () => {
  const at = opened();
  const { dispatch, feed } = lane(at);
  const http = await served(feed);
  await publish(
    at,
    draft('orders'),
    draft('invoices', { dataset_id: 'invoices', run_id: 'r2', type: 'run.failed' }),
    draft('born', { dataset_id: null, layer: null, run_id: null, type: 'handoff.object_born' }),
    draft('other tenant', { tenant_id: 'acme' }),
  );
  await dispatch();
  const names = (query: string) => namesOf(http, `/v1/events?follow=false&from=1${query}`);
  expect(await names('&type=run.failed,handoff.*')).toEqual(['invoices', 'born']);
  expect(await names('&dataset_id=orders')).toEqual(['orders', 'other tenant']);
  expect(await names('&run_id=r2')).toEqual(['invoices']);
  expect(await names('&tenant_id=acme')).toEqual(['other tenant']);
  http.actor = testActor({ actions: ['event.read'], tenants: ['default'], datasets: ['orders'] });
  expect(await names('')).toEqual(['orders']);
  http.actor = testActor({ actions: ['event.read'], tenants: ['default'], datasets: ['*'] });
  expect(await names('')).toEqual(['orders', 'invoices', 'born']);
  http.actor = testActor({ actions: ['snapshot.read'], tenants: ['*'], datasets: ['*'] });
  expect((await http.request('GET', '/v1/events')).status).toBe(403);
  http.actor = testActor(anyGrant);
  for (const [query, status] of [
    ['type=nothing', 400],
    ['from=0', 400],
    ['from=1&last=1', 400],
    ['since=1', 400],
    ['from=6', 412],
    ['from=5&follow=false', 200],
  ] as const) {
    expect([query, (await http.request('GET', `/v1/events?${query}`)).status]).toEqual([query, status]);
  }
  expect((await http.request('GET', '/v1/events', { headers: { 'last-event-id': 'x' } })).status).toBe(400);
  expect((await http.request('GET', '/v1/events', { headers: { 'last-event-id': '99' } })).json).toMatchObject({ code: 'stale' });
});

test('a reader that takes nothing holds one reading, whatever is published', async () => {
  const at = opened();
  const { dispatch, feed } = lane(at);
  let readings = 0;
  const counting: EventFeed = {
    ...feed,
    read: (from) => {
      readings += 1;
      return feed.read(from);
    },
  };
  const http = await served(counting);
  const long = 'x'.repeat(400_000);
  for (let row = 0; row < 40; row += 1) await publish(at, draft(String(row), { data: { name: String(row), long } }));
  await dispatch();
  const stream = await http.open('GET', '/v1/events?from=1');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(readings).toBeLessThan(15);
  let count = 0;
  for await (const message of messages(stream)) {
    expect(message.data.data.name).toBe(String(count));
    count += 1;
    if (count === 40) break;
  }
  expect(count).toBe(40);
});

test('places of readers that went away are free again', async () => {
  const at = opened();
  const { feed } = lane(at);
  const http = await served(feed);
  const streams = await Promise.all(Array.from({ length: 64 }, () => http.open('GET', '/v1/events')));
  expect((await http.request('GET', '/v1/events')).json).toMatchObject({ code: 'too-many-requests' });
  for (const stream of streams) stream.destroy();
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const again = await http.open('GET', '/v1/events');
    again.destroy();
    if (again.statusCode === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect.unreachable('the places of 64 gone readers stay taken');
});

test('reading ahead gives what the feed gives, from wherever one asks, and reads hardly anything twice', async () => {
  const events = Array.from({ length: 60 }, (_, at) => ({ position: at + 1 }) as PlacedEvent);
  let reads = 0;
  const feed = {
    read: async (from: number) => {
      reads += 1;
      return events.filter(({ position }) => position >= from).slice(0, 20);
    },
  } as unknown as EventFeed;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 62 }), { maxLength: 30 }), async (places) => {
      const ahead = readingAhead(feed);
      for (const from of places) {
        const found = await ahead.read(from);
        expect(found[0]?.position).toBe(from <= 60 ? from : undefined);
        expect(found.map(({ position }) => position)).toEqual(found.map((_, at) => from + at));
      }
    }),
  );
  reads = 0;
  const ahead = readingAhead(feed);
  for (let from = 1; from <= 60; from += 4) {
    await ahead.read(from);
    await ahead.read(1);
  }
  expect(reads).toBe(3 + 10);
});
