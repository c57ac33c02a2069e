import { Counter, Gauge, type Registry } from 'prom-client';
import type { Database } from '../db/index.ts';
import { lanes, parkedCounts } from '../event/lane/queries.ts';
import { eventHead } from '../event/queries.ts';

/** Numbers of the lanes. Labels are types, handlers and endpoints: their number is bounded. */
export function laneMetrics(registry: Registry, database: Database) {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const reactor = {
    received: counter('govd_reactor_received_total', 'Events the reactor read'),
    handled: counter('govd_reactor_handled_total', 'Events every handler of theirs took'),
    failed: counter('govd_reactor_failed_total', 'Attempts of handlers that failed'),
    dead: counter('govd_reactor_dead_total', 'Events a handler gave up on'),
    heartbeats: counter('govd_reactor_heartbeats_total', 'Heartbeats of the reactor of this process'),
    missed: counter('govd_reactor_missed_total', 'Heartbeats that this process saw missing'),
  };
  const seen = new Counter({ name: 'govd_reactor_events_total', help: 'Events by type', labelNames: ['type'], registers });
  const webhook = new Counter({
    name: 'govd_webhook_events_total',
    help: 'Attempts to deliver events, by what became of them',
    labelNames: ['endpoint', 'outcome'],
    registers,
  });
  const notices = new Counter({
    name: 'govd_alert_notices_total',
    help: 'Attempts to tell a sink of an alert, by what became of them',
    labelNames: ['sink', 'outcome'],
    registers,
  });
  new Gauge({
    name: 'govd_event_lane_behind',
    help: 'Events a reader has not come to yet',
    labelNames: ['lane', 'consumer'],
    registers,
    async collect() {
      const [rows, [newest]] = await database.read([lanes({}), eventHead({})]);
      for (const { lane, consumer, position } of rows) this.set({ lane, consumer }, Math.max(0, (newest?.head ?? 0) - position));
    },
  });
  new Gauge({
    name: 'govd_event_lane_parked',
    help: 'Events that wait for another attempt, or are dead letters',
    labelNames: ['lane', 'consumer', 'state'],
    registers,
    async collect() {
      this.reset();
      const [rows] = await database.read([parkedCounts({})]);
      for (const { lane, consumer, state, events } of rows) this.set({ lane, consumer, state }, events);
    },
  });
  return { reactor, seen, webhook, notices };
}
