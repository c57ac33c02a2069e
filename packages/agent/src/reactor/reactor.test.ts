import { alertSettings } from '@govctl/core/alert';
import { govdConfigSchema } from '@govctl/core/config';
import type { EventDraft, EventType } from '@govctl/core/event';
import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { alertsOf } from '../alert/tenant.ts';
import type { Database } from '../db/index.ts';
import { dispatchEvents } from '../event/dispatch.ts';
import { eventFeed } from '../event/feed.ts';
import { laneByName, parkedEvents } from '../event/lane/queries.ts';
import type { Journal } from '../journal/index.ts';
import { testJournal } from '../journal/journal.fixture.ts';
import { loopWatch } from '../loop/loop-watch.ts';
import { defaultHandlers, type Handler } from './handler.ts';
import { startReactor } from './reactor.ts';
import { lane, type RoundDependencies, reactorRound } from './round.ts';
import { reactorWatch } from './watch.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const { alerts } = govdConfigSchema.parse({
  apiVersion: 'govctl/v1',
  kind: 'GovdConfig',
  environment: 'local_parity',
  log: { origin: 'test' },
});

type Store = { readonly database: Database; readonly journal: Journal };

function open(): Store & { reset(position: number): void } {
  const at = testJournal();
  closing.push(() => at.close());
  return { ...at, reset: (position) => void at.handle.prepare('UPDATE event_lane SET position = ?').run(position) };
}

function draft(type: EventType, subject: string, data: Record<string, unknown> = {}, more: Partial<EventDraft> = {}): EventDraft {
  const scope = { tenant_id: 'default', dataset_id: 'orders', layer: 'GDP', run_id: 'r1', environment: 'test' };
  return { type, subject, time: new Date(0).toISOString(), ...scope, data, ...more };
}

async function bench(store: Store, handlers: readonly Handler[], holder = 'a') {
  let time = Date.parse('2026-11-26T12:00:00.000Z');
  const now = () => new Date(time).toISOString();
  const counts = { received: 0, handled: 0, failed: 0, dead: 0 };
  const feed = eventFeed(store.database);
  const deps: RoundDependencies = {
    ...store,
    feed,
    handlers,
    source: 'urn:test',
    settingsOf: (tenant) => alertSettings(alerts, tenant),
    holder,
    now,
    random: () => 0.5,
    counted: (what, events) => {
      counts[what] += events;
    },
    handlerTimeoutMs: 200,
  };
  await store.journal.commit({
    label: 'open',
    changes: [{ write: 'lane.open', values: { ...lane, position: 0, at: now() } }],
    records: [],
    events: [],
  });
  const stored = async () => (await store.database.read([laneByName(lane)]))[0][0]?.position ?? -1;
  const parked = async () => (await store.database.read([parkedEvents({ lane: 'reactor', event_id: null, state: null, limit: 2000 })]))[0];
  let position = 0;
  return {
    deps,
    counts,
    feed,
    stored,
    parked,
    alerts: async () => (await alertsOf(store.database, 'default')).alerts,
    wait(seconds: number) {
      time += seconds * 1000;
    },
    restart() {
      position = 0;
    },
    async publish(...events: EventDraft[]) {
      expect((await store.journal.commit({ label: 'test', changes: [], records: [], events })).ok).toBe(true);
      await dispatchEvents({ ...store, feed, holder: 'a', now });
    },
    async round() {
      const at = await stored();
      const waiting = (await parked()).filter(({ state }) => state === 'waiting');
      const result = await reactorRound(deps, { stored: at, position: Math.max(at, position) }, waiting, new AbortController().signal);
      if (result !== null) position = result.position;
      return result;
    },
  };
}

/** Page 11.1 of the source: eleven events, one of each, through eleven handlers and a wildcard. */
const drill = [
  'run.started',
  'run.completed',
  'run.failed',
  'incident.created',
  'incident.resolved',
  'policy.evaluated',
  'threshold.exceeded',
  'trace.started',
  'trace.completed',
  'audit.reconciliation.missing',
  'audit.reconciliation.drift',
] as const satisfies readonly EventType[];

describe('the reactor', () => {
  it('passes the drill: eleven events, eleven handlers and a wildcard, none lost or misrouted', async () => {
    const heard: string[] = [];
    const listening = (name: string, on: EventType | '*'): Handler => ({
      name,
      on,
      handle(event) {
        heard.push(`${name} <- ${event.draft.type}`);
        return [];
      },
    });
    const b = await bench(open(), [...drill.map((type) => listening(type, type)), listening('all', '*')]);
    for (const type of drill) await b.publish(draft(type, `run/${type}`));
    await b.round();
    expect(heard.sort()).toEqual([...drill.map((type) => `${type} <- ${type}`), ...drill.map((type) => `all <- ${type}`)].sort());
    expect(b.counts).toEqual({ received: 11, handled: 11, failed: 0, dead: 0 });
  });

  it('has a handler for every type, and makes alerts of what page 6 says', async () => {
    const b = await bench(
      open(),
      defaultHandlers(() => undefined),
    );
    const audits = (['missing', 'drift', 'stale', 'invalid', 'failed'] as const).map((name) =>
      draft(`audit.reconciliation.${name}`, `audit/${name}`, { domain: 'store', action: 'promote' }),
    );
    await b.publish(
      draft('run.failed', 'run/r1', { reason: 'checks' }),
      // Somebody ended it on purpose: nobody is called.
      { ...draft('run.failed', 'run/r2', { status: 'cancelled', reason: 'wrong month' }), dataset_id: 'stopped' },
      draft('threshold.exceeded', 'run/r1', { threshold: 'cost' }),
      ...audits,
    );
    await b.round();
    expect(Object.fromEntries([...(await b.alerts())].map(([key, { severity }]) => [key, severity]))).toEqual({
      'run.failed/orders/GDP': 'high',
      'threshold.exceeded/orders/GDP': 'medium',
      'audit.missing/orders/GDP': 'high',
      'audit.drift/orders/GDP': 'medium',
      'audit.stale/orders/GDP': 'high',
      'audit.invalid/orders/GDP': 'high',
      'audit.failed/orders/GDP': 'high',
    });
    expect((await b.alerts()).get('audit.missing/orders/GDP')?.held).toBe('PARENT_FIRING');
    await b.publish(draft('run.completed', 'run/r2', {}, { run_id: 'r2' }));
    await b.round();
    expect((await b.alerts()).get('run.failed/orders/GDP')?.state).toBe('resolved');
  });

  it('handles what is delivered again once: the inbox remembers', async () => {
    const store = open();
    const b = await bench(
      store,
      defaultHandlers(() => undefined),
    );
    await b.publish(draft('run.failed', 'run/r1'), draft('run.failed', 'run/r2'));
    await b.round();
    store.reset(0);
    b.restart();
    await b.round();
    expect((await b.alerts()).get('run.failed/orders/GDP')?.occurrences).toBe(2);
    await b.publish(draft('run.failed', 'run/r3'));
    await b.round();
    expect((await b.alerts()).get('run.failed/orders/GDP')?.occurrences).toBe(3);
  });

  it('tries again what failed, later ones of its subject behind it, and others meanwhile', async () => {
    const heard: unknown[] = [];
    let broken = true;
    const handler: Handler = {
      name: 'h',
      on: 'run.failed',
      async handle({ draft: { data } }) {
        if (broken && data.n === 1) throw new Error('not now');
        heard.push(data.n);
        return [];
      },
    };
    const b = await bench(open(), [handler]);
    await b.publish(draft('run.failed', 'a', { n: 1 }), draft('run.failed', 'b', { n: 2 }), draft('run.failed', 'a', { n: 3 }));
    await b.round();
    expect(heard).toEqual([2]);
    broken = false;
    b.wait(2);
    await b.round();
    await b.round();
    expect(heard).toEqual([2, 1, 3]);
    expect(await b.parked()).toEqual([]);
    expect(b.counts).toMatchObject({ received: 3, handled: 3, failed: 1 });
  });

  it('gives up what never succeeds or never answers, and goes on', async () => {
    const handler: Handler = { name: 'h', on: '*', handle: () => new Promise(() => undefined) };
    const b = await bench(open(), [handler]);
    await b.publish(draft('run.failed', 'a'));
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await b.round();
      b.wait(100);
    }
    expect(await b.parked()).toMatchObject([{ state: 'dead', attempts: 5, last_error: 'no answer within 200 ms' }]);
    expect(b.counts.dead).toBe(1);
  });

  it('of another host leaves the effects to who holds the lease', async () => {
    const store = open();
    const a = await bench(
      store,
      defaultHandlers(() => undefined),
      'a',
    );
    const other = await bench(
      store,
      defaultHandlers(() => undefined),
      'b',
    );
    await a.publish(draft('run.failed', 'run/r1'));
    expect(await a.round()).not.toBeNull();
    await a.publish(draft('run.failed', 'run/r2'));
    expect(await other.round()).toBeNull();
    expect(await a.round()).not.toBeNull();
    expect((await a.alerts()).get('run.failed/orders/GDP')?.occurrences).toBe(2);
  });

  it('runs by itself: reacts, beats, and keeps its place over a restart', async () => {
    const b = await bench(
      open(),
      defaultHandlers(() => undefined),
    );
    let beats = 0;
    const start = () =>
      startReactor({
        ...b.deps,
        logger: pino({ level: 'silent' }),
        watch: loopWatch(),
        monotonicMs: () => performance.now(),
        heartbeatMs: 30_000,
        beaten: () => {
          beats += 1;
        },
        reacted: () => undefined,
      });
    const until = async (holds: () => Promise<boolean>) => {
      while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const first = await start();
    await b.publish(draft('run.failed', 'run/r1'), draft('run.started', 'run/r2'));
    await until(async () => (await b.alerts()).size === 1 && (await b.stored()) === 2);
    await first.stop();
    await b.publish(draft('run.failed', 'run/r3'));
    const second = await start();
    await until(async () => (await b.stored()) === 3);
    await second.stop();
    expect((await b.alerts()).get('run.failed/orders/GDP')?.occurrences).toBe(2);
    expect(beats).toBe(2);
  });
});

describe('a reactor that is silent', () => {
  it('is a system incident after three misses, once, and over when it beats again', async () => {
    const store = open();
    const b = await bench(store, []);
    let elapsed = 0;
    let missed = 0;
    const watch = reactorWatch({
      ...store,
      settingsOf: b.deps.settingsOf,
      environment: 'test',
      heartbeatMs: 30_000,
      now: b.deps.now,
      monotonicMs: () => elapsed,
      missed: (n) => {
        missed += n;
      },
    });
    const beat = () =>
      store.journal.commit({
        label: 'beat',
        changes: [{ write: 'lane.beat', values: { ...lane, at: b.deps.now() } }],
        records: [],
        events: [],
      });
    await beat();
    await watch.look();
    // The clock of the host is set forward an hour: nobody is dead for that.
    b.wait(3600);
    elapsed = 59_000;
    await watch.look();
    expect([watch.healthy(), missed]).toEqual([true, 0]);
    for (elapsed = 60_000; elapsed <= 240_000; elapsed += 15_000) await watch.look();
    expect([watch.healthy(), missed]).toEqual([false, 7]);
    expect((await b.alerts()).get('reactor.silent')).toMatchObject({ state: 'firing', severity: 'high', notice: 'firing' });
    const head = async () => {
      await dispatchEvents({ ...store, feed: b.feed, holder: 'a', now: b.deps.now });
      return (await b.feed.read(1)).map(({ draft: { type, data } }) => [type, data.error_code]);
    };
    expect(await head()).toEqual([['incident.created', 'reactor-dead']]);
    await beat();
    await watch.look();
    expect([watch.healthy(), (await b.alerts()).get('reactor.silent')?.state]).toEqual([true, 'resolved']);
  });
});
