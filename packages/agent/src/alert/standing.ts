import type { AlertBody, AlertSettings, AlertSignal } from '@govctl/core/alert';
import type { Logger } from 'pino';
import { type Database, listed, query } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { type Loop, startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { raiseAlert } from './raise.ts';

export type StandingDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly settingsOf: (tenant_id: string) => AlertSettings;
  readonly now: () => string;
};

/** What holds now, and what does not: a signal for each. What is not known has none. */
export type Standing = () => Promise<readonly AlertSignal[]>;

const tenant_id = 'default';
const everyMs = 5_000;

const knownAmong = query<{ tenant_id: string; keys: string }, { alert_key: string; body: string }>(
  'alerts by key',
  listed('keys', (keys) => `SELECT alert_key, body FROM alert WHERE tenant_id = :tenant_id AND alert_key IN (${keys})`),
);

/**
 * Holds alerts to what they tell of. No event says that a state goes on, so it is compared with the alert again and again: a restart, a
 * failed write or another host in between leaves none that fires for good, and none that is given up while it is still true.
 */
export async function compareStanding(deps: StandingDependencies, standing: readonly Standing[]): Promise<number> {
  const signals = (await Promise.all(standing.map((ask) => ask()))).flat();
  if (signals.length === 0) return 0;
  const keys = JSON.stringify(signals.map(({ alert_key }) => alert_key));
  const [rows] = await deps.database.read([knownAmong({ tenant_id, keys })]);
  const known = new Map(rows.map(({ alert_key, body }) => [alert_key, JSON.parse(body) as AlertBody]));
  const { expire_after_ms } = deps.settingsOf(tenant_id);
  const news = signals.filter((signal) => isNews(signal, known.get(signal.alert_key), expire_after_ms));
  for (const signal of news) await raiseAlert(deps, tenant_id, signal);
  return news.length;
}

function isNews(signal: AlertSignal, known: AlertBody | undefined, expireAfterMs: number): boolean {
  if (signal.state === 'resolved') return known?.state === 'firing';
  if (known?.state !== 'firing' || known.summary !== signal.summary) return true;
  // Seen again in time: an alert that nobody fires any more is taken for over.
  return Date.parse(signal.at) - Date.parse(known.last_at) >= expireAfterMs / 2;
}

/** Compares in every process of a deployment; whoever is second finds it told. */
export function startStanding(
  deps: StandingDependencies & { readonly logger: Logger; readonly loops: LoopWatch; readonly told: () => void },
  standing: readonly Standing[],
): Loop {
  return startLoop({
    name: 'standing-alert',
    now: deps.now,
    logger: deps.logger,
    watch: deps.loops,
    async round() {
      if ((await compareStanding(deps, standing)) > 0) deps.told();
      return everyMs;
    },
  });
}
