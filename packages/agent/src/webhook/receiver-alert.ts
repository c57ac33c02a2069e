import type { AlertSignal } from '@govctl/core/alert';
import type { Standing } from '../alert/standing.ts';
import { type Database, query } from '../db/index.ts';
import { parkedCounts } from '../event/lane/queries.ts';

const keyOf = (name: string) => `webhook.down/${name}`;

/** What is said of a receiver that takes nothing, and when it does again. */
export function receiverSignal(name: string, state: 'up' | 'down', at: string): AlertSignal {
  const alert_key = keyOf(name);
  if (state === 'up') return { state: 'resolved', alert_key, why: 'the receiver takes events again', at };
  return {
    state: 'firing',
    alert_key,
    domain: 'webhooks',
    severity: 'high',
    summary: `The receiver ${name} takes no events: they are kept for it`,
    fix: 'govctl event lanes --lane webhook',
    parent_key: null,
    dataset_id: null,
    run_id: null,
    event_id: null,
    at,
  };
}

const toldDown = query<Record<never, never>, { alert_key: string }>(
  'receivers told of as down',
  `SELECT alert_key FROM alert WHERE tenant_id = 'default' AND state = 'firing' AND alert_key LIKE 'webhook.down/%'`,
);

/**
 * A receiver that was told of as down stays so while events wait for it, and is not any more when none does, or when it was taken out of the
 * configuration. Whoever said so may be another host, or a daemon that ended; with dead letters alone nobody knows.
 */
export function downReceivers(database: Database, names: readonly string[], now: () => string): Standing {
  const known = new Map(names.map((name) => [keyOf(name), name]));
  return async () => {
    const [firing, parked] = await database.read([toldDown({}), parkedCounts({})]);
    return firing.flatMap(({ alert_key }): AlertSignal[] => {
      const name = known.get(alert_key);
      if (name === undefined) return [{ state: 'resolved', alert_key, why: 'no such receiver is configured any more', at: now() }];
      const of = parked.filter(({ lane, consumer }) => lane === 'webhook' && consumer === name);
      if (of.some(({ state }) => state === 'waiting')) return [receiverSignal(name, 'down', now())];
      return of.length === 0 ? [receiverSignal(name, 'up', now())] : [];
    });
  };
}
