import { type AlertSettings, type AlertSignal, hear, reactorKey } from '@govctl/core/alert';
import { openIncident } from '@govctl/core/incident';
import type { Change } from '@govctl/core/journal';
import type { Logger } from 'pino';
import { alertsOf, changesOf } from '../alert/tenant.ts';
import type { Database } from '../db/index.ts';
import { laneByName } from '../event/lane/queries.ts';
import type { Journal } from '../journal/index.ts';
import { startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { lane } from './round.ts';

export type WatchDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly settingsOf: (tenant_id: string) => AlertSettings;
  readonly environment: string;
  readonly heartbeatMs: number;
  readonly now: () => string;
  readonly monotonicMs: () => number;
  readonly missed: (beats: number) => void;
};

/** Misses after which the reactor counts as dead. */
const missLimit = 3;
const tenant_id = 'default';

export type ReactorWatch = {
  /** One look. */
  look(): Promise<void>;
  /** Whether the reactor lives, as far as this process saw. */
  healthy(): boolean;
};

/**
 * Looks whether the reactor of the deployment still beats, whichever host runs it. Time is this process's own: a clock that is set
 * forward makes nobody dead. The reactor cannot say of itself that it is dead, so incident and alert are written here, once an outage.
 */
export function reactorWatch(deps: WatchDependencies): ReactorWatch {
  let seen: string | null | undefined;
  let changedAt = deps.monotonicMs();
  let misses = 0;

  const tell = async (signal: AlertSignal) => {
    const before = await alertsOf(deps.database, tenant_id);
    const fires = before.alerts.get(reactorKey)?.state === 'firing';
    if (fires === (signal.state === 'firing')) return;
    const changes: Change[] = [...changesOf(tenant_id, before, hear(before, [signal], deps.settingsOf(tenant_id), signal.at))];
    const incident =
      signal.state === 'firing'
        ? openIncident(
            { error_code: 'reactor-dead', severity: 'high', reason: signal.summary },
            {
              run_id: null,
              tenant_id,
              dataset_id: null,
              layer: null,
              run_status: null,
              environment: deps.environment,
              time: signal.at,
            },
          )
        : null;
    // A guard that was lost means that another host told it.
    await deps.journal.commit({
      label: 'reactor.watch',
      changes: [...changes, ...(incident?.changes ?? [])],
      records: [],
      events: incident?.events ?? [],
    });
  };

  return {
    healthy: () => misses < missLimit,
    async look() {
      const [[row]] = await deps.database.read([laneByName(lane)]);
      const beat = row?.heartbeat_at ?? null;
      if (seen === undefined || beat !== seen) {
        seen = beat;
        changedAt = deps.monotonicMs();
        misses = 0;
        await tell({ state: 'resolved', alert_key: reactorKey, why: 'the reactor beats again', at: deps.now() });
        return;
      }
      const missed = Math.floor((deps.monotonicMs() - changedAt) / deps.heartbeatMs);
      // The first beat that is due is not missed before another could have come.
      const late = Math.max(0, missed - 1);
      if (late > misses) deps.missed(late - misses);
      misses = late;
      if (misses >= missLimit) await tell(silent(beat, deps.now()));
    },
  };
}

function silent(beat: string | null, at: string): AlertSignal {
  return {
    state: 'firing',
    alert_key: reactorKey,
    domain: 'system',
    severity: 'high',
    summary: `The reactor is silent since ${beat ?? 'it was started'}: events are committed, and nothing reacts to them`,
    fix: 'govctl event lanes',
    parent_key: null,
    dataset_id: null,
    run_id: null,
    event_id: null,
    at,
  };
}

/** Looks four times a heartbeat, in every process of a deployment. */
export function startReactorWatch(
  watch: ReactorWatch,
  options: { now: () => string; logger: Logger; loops: LoopWatch; heartbeatMs: number },
) {
  return startLoop({
    name: 'reactor-watch',
    now: options.now,
    logger: options.logger,
    watch: options.loops,
    async round() {
      await watch.look();
      return Math.min(10_000, options.heartbeatMs / 2);
    },
  });
}
