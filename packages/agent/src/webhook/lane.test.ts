import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { EventDraft } from '@govctl/core/event';
import pino from 'pino';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { dispatchEvents } from '../event/dispatch.ts';
import { eventFeed } from '../event/feed.ts';
import { parkedEvents } from '../event/lane/queries.ts';
import { type TestJournal, testJournal } from '../journal/journal.fixture.ts';
import { type DeliverDependencies, deliverRound } from './deliver.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { startWebhookLane } from './lane.ts';
import { poster } from './post.ts';

const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Each look at it is a minute later: no retry has to be waited for. */
function hurried(): () => number {
  let elapsed = 0;
  return () => {
    elapsed += 60_000;
    return elapsed;
  };
}

type Got = { id: string; subject: string; name: unknown };

/** A receiver that checks signatures with the reference library, and answers as it is told. */
async function bench({ timeoutMs = 30_000, ...more }: Partial<DeliverDependencies> & { readonly timeoutMs?: number } = {}) {
  const at: TestJournal = testJournal();
  closing.push(() => at.close());
  const got: Got[] = [];
  let answer: (got: Got, response: ServerResponse) => void = (_, response) => response.writeHead(204).end();
  const server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      const event = new Webhook(secret).verify(body, headers) as { subject: string; data: { name: unknown } };
      const one = { id: headers['webhook-id'] ?? '', subject: event.subject, name: event.data.name };
      got.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const secret_file = join(at.folder, 'secret');
  writeFileSync(secret_file, `${secret}\n`, { mode: 0o600 });
  const net = poster({ allowHosts: ['127.0.0.1'], allowLoopback: true, timeoutMs });
  closing.push(() => net.close());
  let time = Date.now();
  const now = () => new Date(time).toISOString();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const receiver: Endpoint = endpoint({ name: 'ops', url, secret_file, guardedBy: 'mode' }, net, () => new Date().toISOString(), 'test');
  const feed = eventFeed(at.database);
  const deps: DeliverDependencies = {
    database: at.database,
    journal: at.journal,
    feed,
    endpoint: receiver,
    wanted: () => true,
    source: 'urn:test',
    attemptLimit: 4,
    holder: 'a',
    now,
    random: () => 0.5,
    counted: () => undefined,
    ...more,
  };
  await at.journal.commit({
    label: 'open',
    changes: [{ write: 'lane.open', values: { lane: 'webhook', consumer: 'ops', position: 0, at: now() } }],
    records: [],
    events: [],
  });
  const signal = new AbortController().signal;
  return {
    at,
    got,
    deps,
    feed,
    answerWith(with_: typeof answer) {
      answer = with_;
    },
    wait(seconds: number) {
      time += seconds * 1000;
    },
    async publish(...names: [subject: string, name: string][]) {
      const scope = { tenant_id: 'default', dataset_id: null, layer: null, run_id: null, environment: 'test' };
      const events = names.map(([subject, name]): EventDraft => ({ type: 'run.failed', subject, time: now(), ...scope, data: { name } }));
      expect((await at.journal.commit({ label: 'test', changes: [], records: [], events })).ok).toBe(true);
      await dispatchEvents({ database: at.database, journal: at.journal, feed, holder: 'a', now });
    },
    stored: () => at.handle.prepare("SELECT position FROM event_lane WHERE consumer = 'ops'").pluck().get() as number,
    async parked() {
      const [rows] = await at.database.read([parkedEvents({ lane: 'webhook', event_id: null, state: null, limit: 1000 })]);
      return rows;
    },
    async round(mood: 'usual' | 'probe' = 'usual') {
      const position = this.stored();
      const waiting = (await this.parked()).filter(({ state }) => state === 'waiting');
      return await deliverRound(deps, { position, stored: position }, waiting, mood, signal);
    },
  };
}

const names = (got: readonly Got[], subject?: string) =>
  got.filter((one) => subject === undefined || one.subject === subject).map(({ name }) => name);

describe('a webhook', () => {
  it('gets each event once, signed, in order of its subject', async () => {
    const b = await bench();
    await b.publish(['a', 'a1'], ['b', 'b1'], ['a', 'a2'], ['b', 'b2'], ['a', 'a3']);
    expect(await b.round()).toMatchObject({ position: 5, stored: 5, receiver: 'up' });
    expect(names(b.got, 'a')).toEqual(['a1', 'a2', 'a3']);
    expect(names(b.got, 'b')).toEqual(['b1', 'b2']);
    expect(await b.round()).toMatchObject({ position: 5, more: false, receiver: 'unknown' });
    expect(b.got).toHaveLength(5);
    for (const { id } of b.got) expect(id).toMatch(/^evt_[0-9a-f]{12}_\d+_\d+$/);
  });

  it('that refuses one event gets the others; later ones of its subject wait, and come after it in order', async () => {
    const b = await bench();
    b.answerWith(({ name }, response) => response.writeHead(name === 'a1' ? 500 : 200).end());
    await b.publish(['a', 'a1'], ['b', 'b1'], ['a', 'a2']);
    await b.round();
    await b.publish(['a', 'a3'], ['b', 'b2']);
    await b.round();
    expect(names(b.got)).toEqual(['a1', 'b1', 'b2']);
    expect((await b.parked()).map(({ position, attempts, last_error }) => [position, attempts, last_error])).toEqual([
      [1, 1, 'it answered 500'],
      [3, 0, null],
      [4, 0, null],
    ]);
    b.answerWith((_, response) => response.writeHead(200).end());
    await b.round();
    expect(names(b.got, 'a')).toEqual(['a1']);
    b.wait(10);
    for (let round = 0; round < 3; round += 1) await b.round();
    expect(names(b.got, 'a')).toEqual(['a1', 'a1', 'a2', 'a3']);
    expect(await b.parked()).toEqual([]);
    const ids = b.got.filter(({ name }) => name === 'a1').map(({ id }) => id);
    expect(ids[0]).toBe(ids[1]);
  });

  it('that never takes an event leaves a dead letter, and what waited behind it goes on', async () => {
    const b = await bench();
    b.answerWith(({ name }, response) => response.writeHead(name === 'a1' ? 410 : 200).end());
    await b.publish(['a', 'a1'], ['a', 'a2']);
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await b.round();
      b.wait(86_400);
    }
    expect(names(b.got)).toEqual(['a1', 'a1', 'a1', 'a1', 'a2']);
    expect(await b.parked()).toMatchObject([{ position: 1, state: 'dead', attempts: 4, last_error: 'it answered 410' }]);
  });

  it('that asks for time gets it', async () => {
    const b = await bench();
    b.answerWith((_, response) => response.writeHead(429, { 'retry-after': '3600' }).end());
    await b.publish(['a', 'a1']);
    await b.round();
    b.wait(3599);
    await b.round();
    expect(b.got).toHaveLength(1);
    b.wait(1);
    await b.round();
    expect(b.got).toHaveLength(2);
  });

  it('that is down is not asked for everything: a bounded number waits, the rest is kept in the outbox; up again, all of it comes in order', async () => {
    const b = await bench();
    b.answerWith((_, response) => response.writeHead(503).end());
    await b.publish(...Array.from({ length: 200 }, (_, n): [string, string] => [`s${n % 50}`, String(n)]));
    for (let round = 0; round < 4; round += 1) await b.round();
    expect((await b.parked()).length).toBe(64);
    expect(b.got.length).toBeLessThan(20);
    expect(b.stored()).toBeLessThan(70);
    const before = await b.parked();
    await b.round('probe');
    expect((await b.parked())[0]?.attempts).toBe(before[0]?.attempts);
    b.answerWith((_, response) => response.writeHead(200).end());
    b.got.length = 0;
    await b.round('probe');
    for (let round = 0; round < 30; round += 1) await b.round();
    expect(await b.parked()).toEqual([]);
    expect(new Set(names(b.got)).size).toBe(200);
    for (let subject = 0; subject < 50; subject += 1)
      expect(names(b.got, `s${subject}`)).toEqual([0, 50, 100, 150].map((n) => String(n + subject)));
  });

  it('that lost its daemon between sending and marking gets the event again, under the same id', async () => {
    const b = await bench();
    await b.publish(['a', 'a1']);
    const dying = { ...b.deps, journal: { commit: () => Promise.reject(new Error('killed')) } };
    await expect(deliverRound(dying, { position: 0, stored: 0 }, [], 'usual', new AbortController().signal)).rejects.toThrow('killed');
    await b.round();
    expect(names(b.got)).toEqual(['a1', 'a1']);
    expect(new Set(b.got.map(({ id }) => id)).size).toBe(1);
  });

  it('of which another host holds the lease is marked by that host alone', async () => {
    const b = await bench();
    await b.publish(['a', 'a1']);
    const other = { ...b.deps, holder: 'b' };
    expect(await deliverRound(other, { position: 0, stored: 0 }, [], 'usual', new AbortController().signal)).toMatchObject({ stored: 1 });
    await b.publish(['a', 'a2']);
    expect(await b.round()).toBeNull();
    expect(b.stored()).toBe(1);
  });

  it('that hangs costs a time-out, and commits go on meanwhile', async () => {
    const b = await bench({ timeoutMs: 1000 });
    const held: ServerResponse[] = [];
    b.answerWith((_, response) => held.push(response));
    await b.publish(['a', 'a1']);
    const round = b.round();
    await b.publish(['b', 'b1']);
    await round;
    expect(held.length).toBe(1);
    expect((await b.parked())[0]?.last_error).toBe('no answer within 1000 ms');
    expect(await b.feed.head()).toBe(2);
  });

  it('runs by itself: says once that a receiver is down, and once that it is up again', async () => {
    const b = await bench();
    const states: string[] = [];
    b.answerWith((_, response) => response.writeHead(500).end());
    const lane = await startWebhookLane({
      ...b.deps,
      logger: pino({ level: 'silent' }),
      monotonicMs: hurried(),
      changed: async (state) => void states.push(state),
    });
    closing.push(() => lane.stop());
    await b.publish(['a', 'a1']);
    const until = async (holds: () => boolean) => {
      while (!holds()) {
        b.wait(60);
        b.feed.announce();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await until(() => states.length === 1);
    b.answerWith((_, response) => response.writeHead(200).end());
    await b.publish(['b', 'b1']);
    await until(() => states.length === 2);
    expect(states).toEqual(['down', 'up']);
  });

  it('says at its first delivery that the receiver is up: an earlier daemon may have told that it is down; and says again what could not be told', async () => {
    const b = await bench();
    const states: string[] = [];
    const lane = await startWebhookLane({
      ...b.deps,
      logger: pino({ level: 'silent' }),
      monotonicMs: hurried(),
      async changed(state) {
        states.push(state);
        if (states.length === 1) throw new Error('the disk is full');
      },
    });
    closing.push(() => lane.stop());
    for (const [id, times] of [
      ['a', 1],
      ['b', 2],
    ] as const) {
      await b.publish([id, `${id}1`]);
      b.feed.announce();
      while (states.length < times) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(states).toEqual(['up', 'up']);
  });
});

it('a secret that others can read, or that is none, sends nothing and is not repeated', async () => {
  const at = testJournal();
  closing.push(() => at.close());
  const file = join(at.folder, 'secret');
  const net = poster({ allowHosts: ['127.0.0.1'], allowLoopback: true, timeoutMs: 300 });
  const send = () =>
    endpoint(
      { name: 'ops', url: 'http://127.0.0.1:1/', secret_file: file, guardedBy: 'mode' },
      net,
      () => new Date().toISOString(),
      't',
    ).send({ id: 'evt_1', body: '{}' }, 'application/json', new AbortController().signal);
  expect(await send()).toMatchObject({ error: 'secret_file: ENOENT' });
  writeFileSync(file, secret, { mode: 0o644 });
  expect(await send()).toMatchObject({ error: expect.stringContaining('others can read it') });
  writeFileSync(join(at.folder, 'secret2'), 'whsec_short', { mode: 0o600 });
});
