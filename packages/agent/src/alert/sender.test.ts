import type { AlertSettings, AlertSignal } from '@govctl/core/alert';
import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { testJournal } from '../journal/journal.fixture.ts';
import { raiseAlert } from './raise.ts';
import { type Sink, startAlertSender } from './sender.ts';
import { alertsOf } from './tenant.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const begin = Date.parse('2026-11-26T12:00:00.000Z');

/** A real store, sinks that are told what to answer, and a clock that stands unless it is moved. */
function bench(sinks: readonly string[], known: readonly string[] = sinks) {
  const at = testJournal();
  closing.push(() => at.close());
  let time = begin;
  const now = () => new Date(time).toISOString();
  const told: string[] = [];
  const errors = new Map<string, string>();
  const counts: string[] = [];
  const settings: AlertSettings = {
    enabled: true,
    dedup_window_ms: 60_000,
    per_hour: 9,
    cooldowns_ms: {},
    sinks,
    expire_after_ms: 86_400_000,
  };
  const sinkOf =
    (name: string): Sink =>
    async ({ type, data }, seq) => {
      told.push(`${name} ${type} ${String(data.alert_key)} ${seq}`);
      return errors.get(name) ?? null;
    };
  const shared = { database: at.database, journal: at.journal, settingsOf: () => settings, now };
  const start = (holder: string) => {
    const sender = startAlertSender({
      ...shared,
      sinks: new Map(known.map((name) => [name, sinkOf(name)])),
      holder,
      random: () => 0.5,
      counted: (what, sink) => counts.push(`${what} ${sink}`),
      logger: pino({ level: 'silent' }),
    });
    closing.push(() => sender.stop());
    return sender;
  };
  const signalOf = (alert_key: string): AlertSignal => ({
    state: 'firing',
    alert_key,
    domain: 'runs',
    severity: 'high',
    summary: 'it failed',
    fix: null,
    parent_key: null,
    dataset_id: 'orders',
    run_id: null,
    event_id: null,
    at: now(),
  });
  return {
    told,
    errors,
    counts,
    start,
    pass(seconds: number) {
      time += seconds * 1000;
    },
    fire: (...keys: string[]) => Promise.all(keys.map((key) => raiseAlert(shared, 'default', signalOf(key)))),
    resolve: (alert_key: string) => raiseAlert(shared, 'default', { state: 'resolved', alert_key, why: 'mended', at: now() }),
    alert: async (key: string) => (await alertsOf(at.database, 'default')).alerts.get(key),
    sent: async () => (await alertsOf(at.database, 'default')).tenant.sent.length,
  };
}

/** Waits for something that the sender does; `wake` is a hint that it may ignore. */
async function until(sender: { wake(): void }, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 6000; attempt += 1) {
    if (await holds()) return;
    sender.wake();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it never came to it');
}

/** Some rounds in which nothing is to happen. */
async function rounds(sender: { wake(): void }): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    sender.wake();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the teller of alerts', () => {
  it('tells each sink once, of the beginning and of the end', async () => {
    const b = bench(['log', 'webhook/ops']);
    await b.fire('k');
    const sender = b.start('a');
    await until(sender, async () => (await b.alert('k'))?.told.length === 2);
    expect(b.told).toEqual(['log alert.firing k 1', 'webhook/ops alert.firing k 1']);
    expect(await b.alert('k')).toMatchObject({ notice: null, owed: [], sent_at: new Date(begin).toISOString() });
    expect(await b.sent()).toBe(1);
    await rounds(sender);
    expect(b.told).toHaveLength(2);
    await b.resolve('k');
    await until(sender, () => b.counts.length === 4);
    expect(b.told.slice(2)).toEqual(['log alert.resolved k 2', 'webhook/ops alert.resolved k 2']);
    expect(b.counts.sort()).toEqual(['sent log', 'sent log', 'sent webhook/ops', 'sent webhook/ops']);
  });

  it('marks a notice as sent only after a sink took it, and tries again what was not taken', async () => {
    const b = bench(['webhook/ops']);
    b.errors.set('webhook/ops', 'it answered 500');
    await b.fire('k');
    const sender = b.start('a');
    await until(sender, async () => (await b.alert('k'))?.last_error === 'it answered 500');
    expect(await b.alert('k')).toMatchObject({ notice: 'firing', owed: ['webhook/ops'], told: [], sent_at: null, attempts: 1 });
    expect(await b.sent()).toBe(0);
    await rounds(sender);
    expect(b.told).toHaveLength(1);
    b.errors.clear();
    b.pass(3);
    await until(sender, () => b.counts.length === 2);
    expect((await b.alert('k'))?.told).toHaveLength(1);
    // The same notice: who did take it the first time knows it by its number.
    expect(b.told).toEqual(['webhook/ops alert.firing k 1', 'webhook/ops alert.firing k 1']);
    expect(b.counts).toEqual(['failed webhook/ops', 'sent webhook/ops']);
    expect(await b.sent()).toBe(1);
  });

  it('does not wait for the hour to come round again when the clock was set back', async () => {
    const b = bench(['webhook/ops']);
    b.errors.set('webhook/ops', 'it answered 500');
    await b.fire('k');
    const sender = b.start('a');
    await until(sender, () => b.counts.length === 1);
    b.errors.clear();
    b.pass(-3600);
    await until(sender, async () => (await b.alert('k'))?.told.length === 1);
    expect(b.counts).toEqual(['failed webhook/ops', 'sent webhook/ops']);
  });

  it('asks a sink that fails once a round, and the others meanwhile', async () => {
    const b = bench(['log', 'webhook/ops']);
    b.errors.set('webhook/ops', 'it answered 503');
    await b.fire('k1');
    await b.fire('k2');
    const sender = b.start('a');
    await until(sender, () => b.told.filter((line) => line.startsWith('log')).length === 2);
    await until(sender, () => b.counts.includes('failed webhook/ops'));
    expect(b.told.slice(0, 3)).toEqual(['log alert.firing k1 1', 'log alert.firing k2 1', 'webhook/ops alert.firing k1 1']);
  });

  it('owes nothing to a sink that is not configured any more', async () => {
    const b = bench(['webhook/gone'], []);
    await b.fire('k');
    const sender = b.start('a');
    await until(sender, async () => (await b.alert('k'))?.notice === null);
    expect([b.told, b.counts]).toEqual([[], []]);
  });

  it('is one of many: who has not the lease tells nothing', async () => {
    const b = bench(['log']);
    const first = b.start('a');
    await b.fire('k');
    await until(first, () => b.told.length === 1);
    const second = b.start('b');
    await first.stop();
    await b.fire('k2');
    await rounds(second);
    expect(b.told).toHaveLength(1);
    // The lease of the first runs out.
    b.pass(11);
    await until(second, () => b.told.length === 2);
  });
});
