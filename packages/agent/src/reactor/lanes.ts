import { resolve } from 'node:path';
import { type AlertSettings, alertSettings } from '@govctl/core/alert';
import type { GovdConfig } from '@govctl/core/config';
import { type PlacedEvent, typesMatching } from '@govctl/core/event';
import { durationMs } from '@govctl/core/policy';
import { alertMessage } from '@govctl/core/webhook';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type Sink, startAlertSender } from '../alert/sender.ts';
import { compareStanding, startStanding } from '../alert/standing.ts';
import type { Database } from '../db/index.ts';
import type { EventFeed } from '../event/index.ts';
import { alarmedSources } from '../handoff/tail-alarm-standing.ts';
import type { Journal } from '../journal/index.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { type Endpoint, endpoint } from '../webhook/endpoint.ts';
import { startWebhookLane } from '../webhook/lane.ts';
import { poster } from '../webhook/post.ts';
import { downReceivers, receiverSignal } from '../webhook/receiver-alert.ts';
import { defaultHandlers } from './handler.ts';
import { laneMetrics } from './metric.ts';
import { startReactor } from './reactor.ts';
import { reactorWatch, startReactorWatch } from './watch.ts';

export type LaneSettings = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly feed: EventFeed;
  readonly config: Pick<GovdConfig, 'reactor' | 'webhooks' | 'alerts' | 'environment' | 'secrets'>;
  /** Paths of the configuration are relative to it. */
  readonly root: string;
  readonly source: string;
  readonly version: string;
  readonly holder: string;
  readonly now: () => string;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  readonly logger: Logger;
  readonly loops: LoopWatch;
  readonly registry: Registry;
};

export type Lanes = {
  readonly settingsOf: (tenant_id: string) => AlertSettings;
  stop(): Promise<void>;
};

const handlerTimeoutMs = 10_000;

/** Starts all that reads the outbox: the reactor and who watches it, the teller of alerts, and a lane for each webhook. */
export async function startLanes(settings: LaneSettings): Promise<Lanes> {
  const { config, now, logger, monotonicMs, database } = settings;
  await using opened = new AsyncDisposableStack();
  const metrics = laneMetrics(settings.registry, database);
  const settingsOf = (tenant_id: string) => alertSettings(config.alerts, tenant_id);
  const shared = { ...settings, settingsOf };
  const endpoints = endpointsOf(settings, (close) => opened.defer(close));

  const sender = startAlertSender({
    ...shared,
    sinks: sinksOf(settings, endpoints),
    counted: (outcome, sink) => metrics.notices.inc({ sink, outcome }),
  });
  opened.defer(() => sender.stop());

  const heartbeatMs = durationMs(config.reactor.heartbeat);
  const reactor = await startReactor({
    ...shared,
    handlers: defaultHandlers((type) => metrics.seen.inc({ type })),
    handlerTimeoutMs,
    heartbeatMs,
    watch: settings.loops,
    counted: (what, events) => metrics.reactor[what].inc(events),
    beaten: () => metrics.reactor.heartbeats.inc(),
    reacted: () => sender.wake(),
  });
  opened.defer(() => reactor.stop());
  const watch = reactorWatch({
    ...shared,
    environment: config.environment,
    heartbeatMs,
    missed: (beats) => metrics.reactor.missed.inc(beats),
  });
  const watching = startReactorWatch(watch, { now, logger, loops: settings.loops, heartbeatMs });
  opened.defer(() => watching.stop());
  const standing = [alarmedSources(database, now), downReceivers(database, [...endpoints.keys()], now)];
  const comparing = startStanding({ ...shared, told: () => sender.wake() }, standing);
  opened.defer(() => comparing.stop());

  for (const { name, types, tenants } of config.webhooks.endpoints) {
    const receiver = endpoints.get(name);
    if (receiver === undefined || types.length === 0) continue;
    const wanted = typesMatching(types.join(',')) ?? new Set();
    const lane = await startWebhookLane({
      ...shared,
      endpoint: receiver,
      wanted: ({ draft }: PlacedEvent) => wanted.has(draft.type) && (tenants === undefined || tenants.includes(draft.tenant_id)),
      attemptLimit: config.webhooks.attempts,
      monotonicMs,
      counted: (outcome, events) => metrics.webhook.inc({ endpoint: name, outcome }, events),
      async changed(state) {
        logger[state === 'down' ? 'warn' : 'info']({ webhook: name }, `the webhook is ${state}`);
        await compareStanding(shared, [async () => [receiverSignal(name, state, now())]]);
        sender.wake();
      },
    });
    opened.defer(() => lane.stop());
  }
  const owned = opened.move();
  return {
    settingsOf,
    stop: () => owned.disposeAsync(),
  };
}

function endpointsOf(settings: LaneSettings, closing: (close: () => void) => void): ReadonlyMap<string, Endpoint> {
  const { webhooks, secrets } = settings.config;
  const net = poster({
    allowHosts: webhooks.allow_hosts,
    allowLoopback: webhooks.allow_loopback,
    timeoutMs: durationMs(webhooks.timeout),
  });
  closing(() => net.close());
  const guardedBy = secrets.provider === 'files' ? 'mode' : 'systemd';
  return new Map(
    webhooks.endpoints.map(({ name, url, secret_file }) => {
      const at = { name, url, secret_file: resolve(settings.root, secret_file), guardedBy } as const;
      return [name, endpoint(at, net, settings.now, settings.version)];
    }),
  );
}

function sinksOf({ logger, source }: LaneSettings, endpoints: ReadonlyMap<string, Endpoint>): ReadonlyMap<string, Sink> {
  const log: Sink = async ({ type, data }) => {
    logger[type === 'alert.firing' ? 'warn' : 'info']({ alert: data }, `${type}: ${String(data.alert_key)}: ${String(data.summary)}`);
    return null;
  };
  const webhooks = [...endpoints].map(([name, to]): [string, Sink] => [
    `webhook/${name}`,
    async (notice, seq, signal) => (await to.send(alertMessage(notice, seq, source), 'application/json', signal))?.error ?? null,
  ]);
  return new Map([['log', log], ...webhooks]);
}
