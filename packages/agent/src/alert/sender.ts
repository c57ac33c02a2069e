import { type AlertBody, type AlertSettings, coveredBy, delivered, settleAlerts, type TenantAlerts, undelivered } from '@govctl/core/alert';
import { type AlertNotice, alertNotice, type Backoff, backoffMs } from '@govctl/core/webhook';
import type { Logger } from 'pino';
import type { Database } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { whileLeased } from '../lease/while-leased.ts';
import { startLoop } from '../loop/loop.ts';
import { loopWatch } from '../loop/loop-watch.ts';
import { alertsOf, busyTenants, changesOf } from './tenant.ts';

/** Who is told. Answers with why it could not be, or null. */
export type Sink = (notice: AlertNotice, seq: number, signal: AbortSignal) => Promise<string | null>;

export type SenderDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly settingsOf: (tenant_id: string) => AlertSettings;
  readonly holder: string;
  readonly now: () => string;
  readonly random: () => number;
  readonly counted: (what: 'sent' | 'failed', sink: string) => void;
};

const backoff: Backoff = { base_ms: 2_000, factor: 2, cap_ms: 300_000 };
/** How often what only time changes is looked at. */
const settleMs = 1_000;

/** One round over the tenants that have something to send, or to be asked again. */
async function sendAlerts(deps: SenderDependencies, outer: AbortSignal): Promise<void> {
  const [tenants] = await deps.database.read([busyTenants({})]);
  if (tenants.length === 0) return;
  const work = await settledOf(deps, tenants);
  if (work.length === 0) return;
  await whileLeased(deps, 'alert', outer, async (signal) => {
    // One that fails would fail for the next notice too: it is tried once a round, and costs the others one time-out.
    const down = new Set<string>();
    const order = (sink: string) => (sink === 'log' ? 0 : 1);
    work.sort((a, b) => order(a.sink) - order(b.sink));
    for (const { tenant_id, key, sink } of work) {
      if (signal.aborted || down.has(sink)) continue;
      if (!(await sendOne(deps, tenant_id, key, sink, signal))) down.add(sink);
    }
  });
}

type Owed = { readonly tenant_id: string; readonly key: string; readonly sink: string };

/** Lets time do its part, and says which notices are due now. Writes only what changed. */
async function settledOf(deps: SenderDependencies, tenants: readonly { tenant_id: string }[]): Promise<Owed[]> {
  const owed: Owed[] = [];
  for (const { tenant_id } of tenants) {
    const before = await alertsOf(deps.database, tenant_id);
    const after = settleAlerts(before, deps.settingsOf(tenant_id), deps.now());
    const changes = changesOf(tenant_id, before, after);
    if (changes.length > 0 && !(await deps.journal.commit({ label: 'alert.settle', changes, records: [], events: [] })).ok) continue;
    for (const [key, body] of after.alerts) if (isDue(body, deps.now())) owed.push(...body.owed.map((sink) => ({ tenant_id, key, sink })));
  }
  return owed;
}

/** Later than any attempt is put off: the clock was set back, and a notice does not wait for it to come round again. */
const putOff = (at: string, now: string) => at > now && Date.parse(at) - Date.parse(now) <= 2 * backoff.cap_ms;

const isDue = ({ notice, next_attempt_at }: AlertBody, now: string) =>
  notice !== null && (next_attempt_at === null || !putOff(next_attempt_at, now));

async function sendOne(deps: SenderDependencies, tenant_id: string, key: string, sink: string, signal: AbortSignal): Promise<boolean> {
  const state = await alertsOf(deps.database, tenant_id);
  const body = state.alerts.get(key);
  if (body === undefined || body.notice === null || !body.owed.includes(sink)) return true;
  const covers = coveredBy(state, key);
  const seq = body.notice_seq;
  const send = deps.sinks.get(sink);
  // A sink that is not configured any more is owed nothing.
  const error = send === undefined ? null : await send(alertNotice(tenant_id, key, body, covers, deps.now()), seq, signal);
  if (signal.aborted && error !== null) return false;
  const retryAt = new Date(Date.parse(deps.now()) + backoffMs(backoff, body.attempts + 1, deps.random())).toISOString();
  await marked(deps, tenant_id, (now) =>
    error === null ? delivered(now, key, sink, { seq, covers }, deps.now()) : undelivered(now, key, seq, error, retryAt),
  );
  if (send !== undefined) deps.counted(error === null ? 'sent' : 'failed', sink);
  return error === null;
}

/** Marks what is known now: others may have changed alerts while the notice was on its way. */
async function marked(deps: SenderDependencies, tenant_id: string, mark: (now: TenantAlerts) => TenantAlerts): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const before = await alertsOf(deps.database, tenant_id);
    const changes = changesOf(tenant_id, before, mark(before));
    if (changes.length === 0) return;
    if ((await deps.journal.commit({ label: 'alert.sent', changes, records: [], events: [] })).ok) return;
  }
}

export type AlertSender = { wake(): void; stop(): Promise<void> };

/** Tells the sinks, on one host of a deployment. A sink that hangs delays nothing but notices, so its loop is nobody's to watch. */
export function startAlertSender(deps: SenderDependencies & { readonly logger: Logger }): AlertSender {
  const loop = startLoop({
    name: 'alert',
    now: deps.now,
    logger: deps.logger,
    watch: loopWatch(),
    async round(signal) {
      await sendAlerts(deps, signal);
      return settleMs;
    },
  });
  return { wake: () => loop.wake(), stop: () => loop.stop() };
}
