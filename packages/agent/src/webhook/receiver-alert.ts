import type { AlertSignal } from '@govctl/core/alert';
import type { Standing } from '../alert/standing.ts';
import { firingAmong } from '../alert/tenant.ts';
import type { Database } from '../db/index.ts';
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

/**
 * A receiver that was told of as down stays so while events wait for it, and is not any more when none does. Whoever said so may be
 * another host, or a daemon that ended; with dead letters alone nobody knows.
 */
export function downReceivers(database: Database, names: readonly string[], now: () => string): Standing {
  return async () => {
    const keys = JSON.stringify(names.map(keyOf));
    const [firing, parked] = await database.read([firingAmong({ tenant_id: 'default', keys }), parkedCounts({})]);
    const told = new Set(firing.map(({ alert_key }) => alert_key));
    return names
      .filter((name) => told.has(keyOf(name)))
      .flatMap((name) => {
        const of = parked.filter(({ lane, consumer }) => lane === 'webhook' && consumer === name);
        if (of.some(({ state }) => state === 'waiting')) return [receiverSignal(name, 'down', now())];
        return of.length === 0 ? [receiverSignal(name, 'up', now())] : [];
      });
  };
}
