import type { ParkedEvent } from '@govctl/core/event';
import type { Change } from '@govctl/core/journal';
import { afterEach, describe, expect, it } from 'vitest';
import { alarmedSources } from '../handoff/tail-alarm-standing.ts';
import { testJournal } from '../journal/journal.fixture.ts';
import { downReceivers, receiverSignal } from '../webhook/receiver-alert.ts';
import { compareStanding } from './standing.ts';
import { alertsOf } from './tenant.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const hour = 3_600_000;
const settings = { enabled: true, dedup_window_ms: 60_000, per_hour: 9, cooldowns_ms: {}, sinks: ['log'], expire_after_ms: 24 * hour };

function bench() {
  const at = testJournal();
  closing.push(() => at.close());
  let time = Date.parse('2026-11-27T12:00:00.000Z');
  const now = () => new Date(time).toISOString();
  const deps = { database: at.database, journal: at.journal, settingsOf: () => settings, now };
  const standing = [alarmedSources(at.database, now), downReceivers(at.database, ['ops'], now)];
  return {
    at,
    deps,
    now,
    look: () => compareStanding(deps, standing),
    pass(milliseconds: number) {
      time += milliseconds;
    },
    alarm(source: string, coverage: string | null, detail = 'row 7 was removed') {
      const alarm = coverage === null ? null : JSON.stringify({ coverage, detail, raised_at: now() });
      at.handle.prepare('UPDATE handoff_cursor SET alarm = ? WHERE source = ?').run(alarm, source);
    },
    commit: (...changes: Change[]) => at.journal.commit({ label: 'test', changes, records: [], events: [] }),
    alert: async (key: string) => (await alertsOf(at.database, 'default')).alerts.get(key),
  };
}

describe('an alarm of the handoff', () => {
  const key = 'handoff.alarm/birth_registry';

  it('fires once for as long as it stands, and ends with it', async () => {
    const b = bench();
    expect(await b.look()).toBe(0);
    b.alarm('birth_registry', 'pruned');
    expect(await b.look()).toBe(1);
    expect(await b.alert(key)).toMatchObject({
      state: 'firing',
      severity: 'high',
      notice: 'firing',
      summary: 'Coverage of birth_registry is pruned: row 7 was removed',
      fix: 'govctl handoff status',
    });
    expect(await b.look()).toBe(0);
    b.alarm('birth_registry', null);
    expect(await b.look()).toBe(1);
    expect(await b.alert(key)).toMatchObject({ state: 'resolved' });
    expect(await b.look()).toBe(0);
    expect(await b.alert('handoff.alarm/registry_changelog')).toBeUndefined();
  });

  it('says so when another takes its place, and is not given up while it stands', async () => {
    const b = bench();
    b.alarm('birth_registry', 'behind', 'ids wait to be settled');
    await b.look();
    expect(await b.alert(key)).toMatchObject({ severity: 'medium', occurrences: 1 });
    b.alarm('birth_registry', 'drift', 'column born_at is gone');
    expect(await b.look()).toBe(1);
    expect(await b.alert(key)).toMatchObject({ severity: 'high', occurrences: 2 });
    b.pass(11 * hour);
    expect(await b.look()).toBe(0);
    b.pass(hour);
    expect(await b.look()).toBe(1);
    expect(await b.alert(key)).toMatchObject({ state: 'firing', last_at: b.now() });
  });
});

describe('a receiver that is down', () => {
  const waiting = (state: ParkedEvent['state'], at: string): ParkedEvent => ({
    lane: 'webhook',
    consumer: 'ops',
    position: 1,
    event_id: '1.0',
    event_type: 'run.failed',
    subject: 'run/r',
    tenant_id: 'default',
    dataset_id: null,
    state,
    attempts: 3,
    next_attempt_at: null,
    parked_at: at,
    last_error: 'it answered 500',
  });

  it('stays told of while events wait for it, also when the daemon that said so is gone', async () => {
    const b = bench();
    await b.commit({ write: 'lane.park', values: { rows: JSON.stringify([waiting('waiting', b.now())]) } });
    expect(await b.look()).toBe(0);
    await compareStanding(b.deps, [async () => [receiverSignal('ops', 'down', b.now())]]);
    b.pass(12 * hour);
    expect(await b.look()).toBe(1);
    expect(await b.alert('webhook.down/ops')).toMatchObject({ state: 'firing', last_at: b.now() });

    await b.commit({ write: 'lane.unpark', values: { lane: 'webhook', consumer: 'ops', positions: '[1]' } });
    expect(await b.look()).toBe(1);
    expect(await b.alert('webhook.down/ops')).toMatchObject({ state: 'resolved', resolved_why: 'the receiver takes events again' });
  });

  it('is not taken for mended because its events were given up', async () => {
    const b = bench();
    await compareStanding(b.deps, [async () => [receiverSignal('ops', 'down', b.now())]]);
    await b.commit({ write: 'lane.park', values: { rows: JSON.stringify([waiting('dead', b.now())]) } });
    expect(await b.look()).toBe(0);
    expect(await b.alert('webhook.down/ops')).toMatchObject({ state: 'firing' });
  });

  it('is not told of any more when it was taken out of the configuration', async () => {
    const b = bench();
    await compareStanding(b.deps, [async () => [receiverSignal('old', 'down', b.now())]]);
    expect(await b.look()).toBe(1);
    expect(await b.alert('webhook.down/old')).toMatchObject({ state: 'resolved', resolved_why: 'no such receiver is configured any more' });
    expect(await b.look()).toBe(0);
  });
});
