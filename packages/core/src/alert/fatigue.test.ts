import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertBody, type AlertSignal, alertLimit, noAlerts, type TenantAlerts } from './alert.ts';
import { type AlertSettings, coveredBy, delivered, hear, overflowKey, settleAlerts, undelivered } from './hear.ts';

const settings: AlertSettings = {
  enabled: true,
  dedup_window_ms: 60_000,
  per_hour: 100,
  cooldowns_ms: { incidents: 300_000, policies: 600_000 },
  sinks: ['log'],
  expire_after_ms: 86_400_000,
};
const start = Date.parse('2026-11-26T12:00:00.000Z');
const iso = (seconds: number) => new Date(start + seconds * 1000).toISOString();

function firing(
  alert_key: string,
  domain: string,
  seconds: number,
  more: Partial<Extract<AlertSignal, { state: 'firing' }>> = {},
): AlertSignal {
  const scope = { dataset_id: null, run_id: null, event_id: null, parent_key: null, fix: null };
  return { state: 'firing', alert_key, domain, severity: 'high', summary: alert_key, at: iso(seconds), ...scope, ...more };
}

/** A tenant, its sinks, and what they were told. */
function bench(given: Partial<AlertSettings> = {}) {
  const used = { ...settings, ...given };
  let state: TenantAlerts = noAlerts;
  const told: { at: number; key: string; kind: string; sink: string; covers: readonly string[] }[] = [];
  /** Notices at their first success: what counts. */
  const sends: { at: number; key: string; domain: string }[] = [];
  return {
    told,
    sends,
    get state() {
      return state;
    },
    one(key: string): AlertBody {
      const body = state.alerts.get(key);
      if (body === undefined) throw new Error(`no alert ${key}`);
      return body;
    },
    hear(seconds: number, ...signals: AlertSignal[]) {
      state = hear(state, signals, used, iso(seconds));
    },
    settle(seconds: number) {
      state = settleAlerts(state, used, iso(seconds));
    },
    /** Sends what is owed; a sink that is down takes nothing. */
    send(seconds: number, down: readonly string[] = []) {
      for (const [key, body] of state.alerts) {
        for (const sink of body.owed) {
          const { notice, notice_seq } = body;
          const covers = coveredBy(state, key, sink);
          if (down.includes(sink)) state = undelivered(state, key, notice_seq, 'down', iso(seconds + 1));
          else {
            if (notice === 'firing' && state.alerts.get(key)?.counted === false) sends.push({ at: seconds, key, domain: body.domain });
            state = delivered(state, key, sink, { seq: notice_seq, covers }, iso(seconds));
            told.push({ at: seconds, key, kind: notice ?? '?', sink, covers });
          }
        }
      }
    },
    silence(key: string, until: number) {
      const silence = { until: iso(until), reason: 'known', by: 'HUMAN::ada' };
      state = { ...state, alerts: new Map(state.alerts).set(key, { ...this.one(key), silence }) };
    },
  };
}

describe('an alert is told once', () => {
  it('duplicates inside the window collapse, and are counted; after it one is told again', () => {
    const at = bench();
    at.hear(0, firing('a', 'runs', 0), firing('a', 'runs', 0));
    at.send(1);
    at.hear(30, firing('a', 'runs', 30));
    at.send(31);
    at.hear(62, firing('a', 'runs', 62));
    at.send(63);
    expect(at.told.map(({ at: time }) => time)).toEqual([1, 63]);
    expect(at.one('a')).toMatchObject({ occurrences: 4, suppressed: { DUPLICATE: 2 }, sent_at: iso(63) });
  });

  it('a domain that was told of waits its cooldown, and then one notice tells of all that was held back', () => {
    const at = bench();
    at.hear(0, firing('i1', 'incidents', 0));
    at.send(0);
    at.hear(10, firing('i2', 'incidents', 10), firing('i3', 'incidents', 10), firing('r', 'runs', 10));
    at.settle(299);
    at.send(299);
    expect(at.told.map(({ key }) => key)).toEqual(['i1', 'r']);
    expect(at.one('i2')).toMatchObject({ held: 'DOMAIN_COOLDOWN', suppressed: { DOMAIN_COOLDOWN: 1 } });
    at.settle(300);
    at.send(300);
    expect(at.told.at(-1)).toMatchObject({ key: 'i2', covers: ['i3'] });
    expect(at.one('i3')).toMatchObject({ held: null, told: ['log'] });
    at.settle(10_000);
    at.send(10_000);
    expect(at.told).toHaveLength(3);
  });

  it('a tenant is told a hundred times an hour, and of the rest when there is room again', () => {
    const at = bench();
    for (let n = 0; n < 150; n += 1) {
      at.hear(n, firing(`k${n}`, 'runs', n));
      at.send(n);
    }
    expect(at.told).toHaveLength(100);
    expect(at.one('k149')).toMatchObject({ held: 'TENANT_RATE_LIMIT' });
    at.settle(3599);
    at.send(3599);
    expect(at.told).toHaveLength(100);
    at.settle(3600);
    at.send(3600);
    expect(at.told[100]?.covers.length).toBe(49);
    expect([...at.state.alerts.values()].every(({ told }) => told.length === 1)).toBe(true);
  });

  it('nothing counts as sent before it was: what failed is owed, whoever else took it', () => {
    const at = bench({ sinks: ['log', 'webhook/ops'] });
    at.hear(0, firing('i1', 'incidents', 0));
    at.send(0, ['log', 'webhook/ops']);
    expect(at.one('i1')).toMatchObject({ sent_at: null, told: [], owed: ['log', 'webhook/ops'], attempts: 2, last_error: 'down' });
    expect(at.state.tenant.sent).toEqual([]);
    // On its way all the same: another of the domain must not overtake it.
    at.hear(1, firing('i2', 'incidents', 1));
    expect(at.one('i2').held).toBe('DOMAIN_COOLDOWN');
    at.send(2, ['webhook/ops']);
    expect(at.one('i1')).toMatchObject({ sent_at: iso(2), told: ['log'], owed: ['webhook/ops'], notice: 'firing' });
    at.send(3);
    expect(at.one('i1')).toMatchObject({ told: ['log', 'webhook/ops'], owed: [], notice: null });
    expect(at.state.tenant.sent).toHaveLength(1);
  });
});

describe('an alert ends', () => {
  it('those who heard of it hear of its end, the others of neither', () => {
    const at = bench({ sinks: ['log', 'webhook/ops'] });
    at.hear(0, firing('a', 'runs', 0), firing('b', 'runs', 0));
    at.send(0, ['webhook/ops']);
    at.hear(1, { state: 'resolved', alert_key: 'a', why: 'mended', at: iso(1) });
    at.send(1);
    expect(at.told.filter(({ key }) => key === 'a').map(({ kind, sink }) => [kind, sink])).toEqual([
      ['firing', 'log'],
      ['resolved', 'log'],
    ]);
    const never = bench();
    never.hear(0, firing('a', 'runs', 0), { state: 'resolved', alert_key: 'a', why: 'mended', at: iso(0) });
    never.send(0);
    expect(never.told).toEqual([]);
  });

  it('what fires again before its end was told goes on firing', () => {
    const at = bench();
    at.hear(0, firing('a', 'runs', 0));
    at.send(0);
    at.hear(10, { state: 'resolved', alert_key: 'a', why: 'mended', at: iso(10) }, firing('a', 'runs', 11));
    at.send(12);
    expect(at.told).toHaveLength(1);
    expect(at.one('a')).toMatchObject({ state: 'firing', told: ['log'], occurrences: 1, held: null });
  });

  it('what was not seen for a day is over', () => {
    const at = bench();
    at.hear(0, firing('a', 'runs', 0));
    at.send(0);
    at.settle(86_400);
    at.send(86_400);
    expect(at.told.map(({ kind }) => kind)).toEqual(['firing', 'resolved']);
    expect(at.one('a').resolved_why).toBe('not seen again');
  });
});

describe('an alert is kept quiet', () => {
  it('while its parent fires, also when the parent came later in the same moment', () => {
    const at = bench();
    at.hear(0, firing('child', 'incidents', 0, { parent_key: 'parent' }), firing('parent', 'runs', 0));
    at.send(0);
    expect(at.told.map(({ key }) => key)).toEqual(['parent']);
    expect(at.one('child')).toMatchObject({ held: 'PARENT_FIRING', suppressed: { PARENT_FIRING: 1 } });
    at.hear(60, { state: 'resolved', alert_key: 'parent', why: 'mended', at: iso(60) });
    at.settle(61);
    at.send(61);
    expect(at.told.map(({ key, kind }) => `${key} ${kind}`).sort()).toEqual(['child firing', 'parent firing', 'parent resolved']);
  });

  it('by an operator, until the silence ends', () => {
    const at = bench();
    at.hear(0, firing('a', 'runs', 0));
    at.silence('a', 3600);
    at.hear(100, firing('a', 'runs', 100));
    expect(at.one('a').suppressed).toEqual({ SILENCED: 1 });
    at.settle(3600);
    expect(at.one('a').silence).toBeNull();
  });

  it('for a tenant that wants none', () => {
    const at = bench({ enabled: false });
    at.hear(0, firing('a', 'runs', 0));
    at.settle(86_000);
    at.send(86_000);
    expect(at.told).toEqual([]);
    expect(at.one('a').suppressed).toEqual({ DISABLED: 1 });
  });
});

it('a hundred thousand alerts in a minute keep a bounded number of rows, and the rest is counted', () => {
  const at = bench();
  for (let batch = 0; batch < 50; batch += 1)
    at.hear(batch, ...Array.from({ length: 2000 }, (_, n) => firing(`k${batch * 2000 + n}`, 'runs', batch)));
  at.send(60);
  expect(at.state.alerts.size).toBe(alertLimit + 1);
  expect(at.one(overflowKey).state).toBe('firing');
  expect(at.told).toHaveLength(100);
  expect(at.state.tenant.overflow).toBe(100_000 - alertLimit);
  const same = bench();
  for (let batch = 0; batch < 50; batch += 1) same.hear(batch, ...Array.from({ length: 2000 }, () => firing('one', 'runs', batch)));
  expect(same.state.alerts.size).toBe(1);
  expect(same.one('one')).toMatchObject({ occurrences: 100_000, suppressed: { DUPLICATE: 99_999 } });
});

it('a clock that was set back an hour keeps nobody quiet for longer than a window', () => {
  const at = bench();
  at.hear(7200, firing('i1', 'incidents', 7200));
  at.send(7200);
  at.hear(3600, firing('i2', 'incidents', 3600));
  at.settle(3900);
  at.send(3900);
  expect(at.told.map(({ key }) => key)).toEqual(['i1', 'i2']);
});

describe('whatever happens', () => {
  const domains = ['runs', 'incidents', 'policies'] as const;
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('fire' as const),
        key: fc.integer({ min: 0, max: 8 }),
        times: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('resolve' as const), key: fc.integer({ min: 0, max: 8 }) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 700 }) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), down: fc.subarray(['log', 'webhook/ops']) }) },
  );

  it('no limit is passed, every occurrence is accounted for, ends follow beginnings, and nothing stays untold', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const per_hour = 5;
        const at = bench({ per_hour, sinks: ['log', 'webhook/ops'] });
        let now = 0;
        let fired = 0;
        let let_out = 0;
        for (const one of steps) {
          if (one.do === 'wait') {
            now += one.seconds;
            at.settle(now);
          } else if (one.do === 'send') at.send(now, one.down);
          else if (one.do === 'resolve') at.hear(now, { state: 'resolved', alert_key: `k${one.key}`, why: 'x', at: iso(now) });
          else {
            const key = `k${one.key}`;
            const before = at.state.alerts.get(key)?.notice_seq ?? 0;
            at.hear(now, ...Array.from({ length: one.times }, () => firing(key, domains[one.key % 3] ?? 'runs', now)));
            fired += one.times;
            let_out += at.one(key).notice_seq - before;
          }
        }
        const quiet = [...at.state.alerts.values()].flatMap(({ suppressed }) => Object.values(suppressed)).reduce((a, b) => a + b, 0);
        expect(quiet + let_out).toBe(fired);

        // In time, with sinks that work, everybody is told of all that fires.
        for (let more = 0; more < 40; more += 1) {
          now += 601;
          at.settle(now);
          at.send(now);
        }
        for (const body of at.state.alerts.values()) {
          expect(body.owed).toEqual([]);
          if (body.state === 'firing') expect(body.told.length).toBeGreaterThan(0);
        }

        const heard = new Map<string, Set<string>>();
        for (const { key, kind, sink, covers } of at.told) {
          if (kind === 'resolved') expect(heard.get(key)?.delete(sink)).toBe(true);
          else for (const each of [key, ...covers]) heard.set(each, (heard.get(each) ?? new Set()).add(sink));
        }
        for (const [index, one] of at.sends.entries()) {
          const ago = (seconds: number) => at.sends.slice(0, index).filter((other) => one.at - other.at < seconds);
          expect(ago(60).filter(({ key }) => key === one.key)).toEqual([]);
          expect(ago(3600).length).toBeLessThan(per_hour);
          const cooldown = (settings.cooldowns_ms[one.domain] ?? 0) / 1000;
          expect(ago(cooldown).filter(({ domain }) => domain === one.domain)).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
