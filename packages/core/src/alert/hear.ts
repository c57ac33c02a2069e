import {
  type AlertBody,
  type AlertSignal,
  alertLimit,
  type Suppressed,
  type SuppressionReason,
  type TenantAlerts,
  type TenantBody,
} from './alert.ts';
import { countSent, type FatigueSettings, heedClock, letOut, type OnTheirWay, onTheirWay, suppressionOf } from './fatigue.ts';

export type AlertSettings = FatigueSettings & {
  /** Who is told. */
  readonly sinks: readonly string[];
  /** A firing that was not seen again for so long is over. */
  readonly expire_after_ms: number;
};

type Firing = Extract<AlertSignal, { state: 'firing' }>;

/** The alert that says there are too many. It always has room. */
export const overflowKey = 'alerts.overflow';

/**
 * What signals make of a tenant's alerts. First all of them change what fires, then each firing asks whether it may be told: a child is
 * quiet also when its parent came after it.
 */
export function hear(before: TenantAlerts, signals: readonly AlertSignal[], settings: AlertSettings, at: string): TenantAlerts {
  const work = workOn(before, at);
  const { alerts } = work;
  const fired = new Map<string, number>();
  const fire = (signal: Firing, known: AlertBody | undefined) => {
    alerts.set(signal.alert_key, known === undefined ? fresh(signal) : again(known, signal));
    fired.set(signal.alert_key, (fired.get(signal.alert_key) ?? 0) + 1);
  };
  let overflow = 0;
  let full = false;
  for (const signal of signals) {
    const known = alerts.get(signal.alert_key);
    if (signal.state === 'firing') {
      if (known === undefined && !full) full = !makeRoom(alerts);
      if (known === undefined && full) overflow += 1;
      else fire(signal, known);
    } else if (known?.state === 'firing') {
      alerts.set(signal.alert_key, resolved(known, signal.why, signal.at));
      full = false;
    }
  }
  if (overflow > 0) fire(overflowSignal(at), alerts.get(overflowKey));
  const way = onTheirWay(alerts.values());
  for (const [key, times] of fired) ask(work, way, key, times, settings);
  return { alerts, tenant: { ...work.tenant, overflow: work.tenant.overflow + overflow } };
}

/** What the passing of time makes of them: silences and cooldowns end, parents are resolved, what nobody saw again is over. */
export function settleAlerts(before: TenantAlerts, settings: AlertSettings, at: string): TenantAlerts {
  const work = workOn(before, at);
  const { alerts, now } = work;
  for (const [key, body] of alerts) {
    if (body.state === 'firing' && now - Date.parse(body.last_at) >= settings.expire_after_ms)
      alerts.set(key, resolved(body, 'not seen again', at));
    else if (body.silence !== null && Date.parse(body.silence.until) <= now) alerts.set(key, { ...body, silence: null });
  }
  const held = [...alerts].filter(([, body]) => body.state === 'firing' && body.held !== null);
  held.sort(([, a], [, b]) => rank(a) - rank(b) || a.first_at.localeCompare(b.first_at));
  const way = onTheirWay(alerts.values());
  for (const [key] of held) ask(work, way, key, 0, settings);
  return { alerts, tenant: work.tenant };
}

/**
 * Alerts that a notice of this one tells a sink of too: they were kept back by the same limit, and would each have to wait for their turn. Of
 * what a notice to another sink told already this one hears as well.
 */
export function coveredBy({ alerts }: TenantAlerts, key: string, sink: string): readonly string[] {
  const one = alerts.get(key);
  if (one === undefined || one.notice !== 'firing') return [];
  return [...alerts]
    .filter(([other, body]) => {
      if (other === key || body.state !== 'firing') return false;
      if (toldElsewhere(body, sink)) return true;
      if (one.counted) return false;
      return (body.held === 'DOMAIN_COOLDOWN' && body.domain === one.domain) || body.held === 'TENANT_RATE_LIMIT';
    })
    .map(([other]) => other);
}

/** Somebody heard of this firing by a notice of another alert, and this sink did not. */
function toldElsewhere({ held, notice, told, sent_at, first_at }: AlertBody, sink: string): boolean {
  const hadItsOwn = sent_at !== null && sent_at >= first_at;
  return held === null && notice === null && told.length > 0 && !told.includes(sink) && !hadItsOwn;
}

/** A sink took the notice. Only now is it marked as sent, and what it covered as told. */
export function delivered(
  state: TenantAlerts,
  key: string,
  sink: string,
  notice: { readonly seq: number; readonly covers: readonly string[] },
  at: string,
): TenantAlerts {
  const one = state.alerts.get(key);
  // Another notice took its place meanwhile.
  if (one === undefined || one.notice_seq !== notice.seq || one.notice === null) return state;
  const firing = one.notice === 'firing';
  const owed = one.owed.filter((name) => name !== sink);
  const alerts = new Map(state.alerts);
  alerts.set(key, {
    ...one,
    owed,
    notice: owed.length === 0 ? null : one.notice,
    told: firing ? union(one.told, sink) : one.told,
    sent_at: firing ? at : one.sent_at,
    counted: true,
    ...untried,
  });
  for (const other of firing ? notice.covers : []) {
    const body = alerts.get(other);
    if (body?.state === 'firing') alerts.set(other, { ...body, held: null, told: union(body.told, sink) });
  }
  const counts = firing && !one.counted;
  return { alerts, tenant: counts ? countSent(state.tenant, one.domain, Date.parse(at)) : state.tenant };
}

/** A sink did not take it: it is owed as before, and tried again later. */
export function undelivered(state: TenantAlerts, key: string, seq: number, error: string, retryAt: string): TenantAlerts {
  const one = state.alerts.get(key);
  if (one === undefined || one.notice_seq !== seq || one.notice === null) return state;
  const body = { ...one, attempts: one.attempts + 1, next_attempt_at: retryAt, last_error: error };
  return { ...state, alerts: new Map(state.alerts).set(key, body) };
}

type Work = { readonly alerts: Map<string, AlertBody>; readonly tenant: TenantBody; readonly now: number };

function workOn(before: TenantAlerts, at: string): Work {
  const now = Date.parse(at);
  const { alerts, tenant } = heedClock(before, now);
  return { alerts: new Map(alerts), tenant, now };
}

function ask({ alerts, tenant, now }: Work, way: OnTheirWay, key: string, times: number, settings: AlertSettings): void {
  const one = alerts.get(key);
  if (one === undefined || one.state !== 'firing') return;
  const parentFires = one.parent_key !== null && alerts.get(one.parent_key)?.state === 'firing';
  const reason = suppressionOf(one, parentFires, tenant, way, settings, now);
  const quiet = Math.max(0, reason === null ? times - 1 : times);
  const suppressed = quiet === 0 ? one.suppressed : counted(one.suppressed, reason ?? 'DUPLICATE', quiet);
  if (reason !== null) {
    const untold = one.told.length === 0 && one.notice === null;
    alerts.set(key, { ...one, suppressed, held: untold ? reason : null });
    return;
  }
  letOut(way, one.domain);
  const anybody = settings.sinks.length > 0;
  const notice = anybody ? 'firing' : null;
  alerts.set(key, {
    ...one,
    ...untried,
    suppressed,
    held: null,
    notice,
    owed: settings.sinks,
    notice_seq: one.notice_seq + 1,
    counted: false,
  });
}

/** Of a notice that was not tried yet. */
const untried = { attempts: 0, next_attempt_at: null, last_error: null } as const;

function fresh(signal: Firing): AlertBody {
  const { state, alert_key: _key, at, ...what } = signal;
  return {
    ...what,
    state,
    first_at: at,
    last_at: at,
    occurrences: 1,
    resolved_at: null,
    resolved_why: null,
    notice: null,
    owed: [],
    notice_seq: 0,
    told: [],
    sent_at: null,
    counted: false,
    ...untried,
    held: null,
    suppressed: {},
    silence: null,
  };
}

function again(known: AlertBody, signal: Firing): AlertBody {
  const { state, alert_key: _key, at, ...what } = signal;
  if (known.state === 'firing') return { ...known, ...what, last_at: at, occurrences: known.occurrences + 1 };
  // Who did not hear of its end yet still knows that it fires.
  const told = known.notice === 'resolved' ? known.owed : [];
  const quiet = { notice: null, owed: [], counted: false, held: null, ...untried } as const;
  return { ...known, ...what, ...quiet, state, told, first_at: at, last_at: at, occurrences: 1, resolved_at: null, resolved_why: null };
}

/** Those who heard of it hear of its end; a notice that reached nobody needs none. */
function resolved(known: AlertBody, why: string, at: string): AlertBody {
  const tell = known.told.length > 0;
  return {
    ...known,
    state: 'resolved',
    resolved_at: at,
    resolved_why: why,
    notice: tell ? 'resolved' : null,
    owed: known.told,
    told: [],
    notice_seq: known.notice_seq + (tell ? 1 : 0),
    counted: tell,
    ...untried,
    held: null,
  };
}

/** The oldest that is over and told gives way; what fires never does. */
function makeRoom(alerts: Map<string, AlertBody>): boolean {
  if (alerts.size < alertLimit) return true;
  let oldest: readonly [string, string] | undefined;
  for (const [key, { state, notice, resolved_at, silence }] of alerts) {
    if (state !== 'resolved' || notice !== null || silence !== null) continue;
    if (oldest === undefined || (resolved_at ?? '') < oldest[1]) oldest = [key, resolved_at ?? ''];
  }
  if (oldest === undefined) return false;
  alerts.delete(oldest[0]);
  return true;
}

function overflowSignal(at: string): Firing {
  return {
    state: 'firing',
    alert_key: overflowKey,
    domain: 'system',
    severity: 'high',
    summary: `More than ${alertLimit} alerts fire at once: further ones are only counted`,
    fix: 'govctl alert ls',
    parent_key: null,
    dataset_id: null,
    run_id: null,
    event_id: null,
    at,
  };
}

const rank = (body: AlertBody) => (body.severity === 'high' ? 0 : 1);

const union = (names: readonly string[], name: string) => (names.includes(name) ? names : [...names, name]);

const counted = (suppressed: Suppressed, reason: SuppressionReason, times: number): Suppressed => ({
  ...suppressed,
  [reason]: (suppressed[reason] ?? 0) + times,
});
