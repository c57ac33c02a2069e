import { randomBytes } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackEvents } from '@govctl/core/event';
import { openSqlite } from '../../packages/agent/src/db/index.ts';
import { SqliteJournal } from '../../packages/agent/src/journal/index.ts';
import { loadKeys, signerOf } from '../../packages/agent/src/state/index.ts';
import { type BenchDaemon, initState, startDaemon } from './daemon.ts';
import { postBare, startReceiver } from './dispatcher-receiver.ts';
import { governDatasets, promoteAll } from './govern.ts';
import { count, type Lab, type Measurement, mebibytes, percent, type Section, spreadText } from './measurement.ts';
import { spreadOf } from './spread.ts';

const webhookSecret = `whsec_${randomBytes(32).toString('base64')}`;
const together = 64;

/** The events of real promotions again, under other runs, committed by the journal to the folder of a stopped daemon: nobody has read them. */
async function commitEvents(state: string, round: number, wanted: number): Promise<number> {
  const handle = openSqlite(join(state, 'govd.db'));
  try {
    const signer = signerOf(loadKeys({ folder: join(state, 'keys'), guardedBy: 'mode' }), 'decision');
    const now = () => new Date().toISOString();
    const journal = new SqliteJournal({ handle, signer, seal: { refusal: () => null, seal: () => '' }, now });
    const rows = handle.prepare(`SELECT events FROM outbox WHERE events LIKE '%bench-%' ORDER BY outbox_id LIMIT 64`).all() as {
      events: string;
    }[];
    const last = handle.prepare('SELECT max(outbox_id) AS last FROM outbox').get() as { last: number };
    let events = 0;
    for (let serial = 0; events < wanted; serial += together) {
      const units = Array.from({ length: together }, (_, at) => {
        const text = rows[at % rows.length]?.events ?? '[]';
        const drafts = unpackEvents(text.replaceAll(/\bbench-(\d+)\b/g, `again-${round}-${serial + at}-$1`));
        events += drafts.length;
        return { label: 'bench.events', changes: [], records: [], events: drafts };
      });
      for (const result of await Promise.all(units.map((unit) => journal.commit(unit)))) if (!result.ok) throw new Error(result.guard);
    }
    const found = handle.prepare('SELECT coalesce(sum(event_count), 0) AS events FROM outbox WHERE outbox_id > ?').get(last.last) as {
      events: number;
    };
    if (found.events !== events) throw new Error(`${found.events} of ${events} events were committed`);
    return events;
  } finally {
    handle.close();
  }
}

type Lanes = { readonly head: number; readonly items: readonly { readonly lane: string; readonly position: number }[] };

async function lanesOf(daemon: BenchDaemon): Promise<Lanes> {
  const { status, text } = await daemon.call('GET', '/v1/event-lanes?limit=1');
  if (status !== 200) throw new Error(`event lanes: ${status} ${text}`);
  return JSON.parse(text) as Lanes;
}

const positionOf = ({ items }: Lanes, lane: string) => items.find((one) => one.lane === lane)?.position ?? 0;

type Round = {
  readonly dispatcher: number;
  readonly reactor: number;
  readonly webhook: number;
  readonly bare: number;
  readonly events: number;
  readonly memory: number;
};

/** Nobody gives positions until then: the daemon is up and ready before there is anything to read. */
function holdDispatcher(state: string, ms: number): void {
  const handle = openSqlite(join(state, 'govd.db'));
  const expires_at = new Date(Date.now() + ms).toISOString();
  handle.prepare(`UPDATE lease SET holder = 'bench', expires_at = ? WHERE lease_name = 'event-dispatch'`).run(expires_at);
  handle.close();
}

/** Events a second of each reader, from when the first positions are given until it has read all. */
async function drainLanes(daemon: BenchDaemon, upto: number): Promise<Pick<Round, 'dispatcher' | 'reactor' | 'webhook'>> {
  const { head: from } = await lanesOf(daemon);
  if (from >= upto) throw new Error('the dispatcher was there before the clock');
  const done = new Map<string, number>();
  let begun = performance.now();
  for (;;) {
    const lanes = await lanesOf(daemon);
    const now = performance.now();
    if (lanes.head === from) begun = now;
    const at = { dispatcher: lanes.head, reactor: positionOf(lanes, 'reactor'), webhook: positionOf(lanes, 'webhook') };
    for (const [reader, position] of Object.entries(at))
      if (position >= upto && !done.has(reader)) done.set(reader, ((upto - from) * 1000) / (now - begun));
    if (done.size === 3)
      return { dispatcher: done.get('dispatcher') ?? 0, reactor: done.get('reactor') ?? 0, webhook: done.get('webhook') ?? 0 };
    await sleep(10);
  }
}

async function run(lab: Lab): Promise<Section> {
  const rounds = lab.quick ? 1 : 3;
  const wanted = lab.quick ? 2000 : 40_000;
  const receiver = await startReceiver(webhookSecret);
  const state = await initState(lab);
  governDatasets(lab, state);
  writeFileSync(join(state, 'receiver.secret'), `${webhookSecret}\n`, { mode: 0o600 });
  appendFileSync(
    join(state, 'govd.yaml'),
    `webhooks: { allow_hosts: [127.0.0.1], allow_loopback: true, endpoints: [{ name: local, url: '${receiver.url}', secret_file: receiver.secret }] }\n`,
  );
  const measured: Round[] = [];
  try {
    const first = await startDaemon(lab, state);
    try {
      await promoteAll(first, 64, 8);
      const { head } = await lanesOf(first);
      while (positionOf(await lanesOf(first), 'webhook') < head) await sleep(50);
    } finally {
      await first.stop();
    }
    for (let round = 1; round <= rounds; round += 1) {
      const events = await commitEvents(state, round, wanted);
      const handle = openSqlite(join(state, 'govd.db'), 'read');
      const { head } = handle.prepare('SELECT coalesce(max(first_position + event_count - 1), 0) AS head FROM outbox_position').get() as {
        head: number;
      };
      handle.close();
      receiver.forget();
      holdDispatcher(state, 4000);
      const daemon = await startDaemon(lab, state);
      try {
        const rates = await drainLanes(daemon, head + events);
        if (receiver.distinct() < events) throw new Error(`${receiver.distinct()} of ${events} events came to the receiver`);
        const bare = await postBare(receiver.url, Math.min(events, 10_000));
        measured.push({ ...rates, bare, events, memory: daemon.memory().peak });
        lab.tell(
          `round ${round}: ${count(events)} events; positions ${count(rates.dispatcher)}/s, reactor ${count(rates.reactor)}/s, webhook ${count(rates.webhook)}/s, bare posts ${count(bare)}/s`,
        );
      } finally {
        await daemon.stop();
      }
    }
  } finally {
    await receiver.close();
  }
  const spread = (of: (round: Round) => number) => spreadOf(measured.map(of));
  return {
    title: 'Events: positions, reactor, and a webhook to a local receiver',
    text: [
      `${count(measured[0]?.events ?? 0)} events of promotions are committed while no daemon runs. Then one starts, whose dispatcher waits for a lease until everything is ready. It gives positions, the reactor hands each event to its handlers (a named one where there is one, and the wildcard), and the webhook lane signs and posts each to a receiver in the benchmark's process, which checks the signature. All three go on at the same time; a rate is that of one reader from the first position to its last event. What was posted is marked after it was, 32 events in a durable commit, in order per subject, four subjects at a time.`,
      `Bare posts go from the benchmark's process to the same receiver, four at a time over kept connections, signed and nothing else: a receiver and its sender in one process, nothing read, nothing kept. Every event came to the receiver in each of the ${rounds} rounds.`,
    ],
    tables: [
      {
        title: 'Events a second',
        head: ['positions', 'reactor', 'webhook', 'bare posts', 'webhook against bare', 'greatest memory'],
        rows: [
          [
            spreadText(
              spread((one) => one.dispatcher),
              count,
            ),
            spreadText(
              spread((one) => one.reactor),
              count,
            ),
            spreadText(
              spread((one) => one.webhook),
              count,
            ),
            spreadText(
              spread((one) => one.bare),
              count,
            ),
            spreadText(
              spread((one) => one.webhook / one.bare),
              percent,
            ),
            spreadText(
              spread((one) => one.memory),
              mebibytes,
            ),
          ],
        ],
      },
    ],
    bars: [],
    data: { measured },
  };
}

export const dispatcher: Measurement = { name: 'dispatcher', run };
