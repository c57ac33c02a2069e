import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Database } from '../db/index.ts';
import { lastPoll, readCoverage } from './coverage.ts';
import { eventTypes, type HandoffQueries, openQuarantine } from './queries.ts';
import type { TailObserver } from './tail-loop.ts';

/** What the tail did: rows and the time of batches. */
export function tailMetrics(registry: Registry): TailObserver {
  const registers = [registry];
  const rows = new Counter({ name: 'govd_handoff_rows_total', help: 'Rows of births and changelog applied', registers });
  const seconds = new Histogram({
    name: 'govd_handoff_batch_seconds',
    help: 'Time of a batch of the tail, committed',
    buckets: [0.002, 0.005, 0.02, 0.05, 0.1, 0.25, 1],
    registers,
  });
  return {
    batch(measure) {
      rows.inc(measure.rows);
      seconds.observe(measure.milliseconds / 1000);
    },
  };
}

/** The state of the handoff, read when it is scraped: the same figures as `govctl handoff status`. */
export function handoffGauges(
  registry: Registry,
  database: Database,
  queries: HandoffQueries,
  now: () => string,
  blocker: () => string | null,
): void {
  const read = async () => {
    const [cursors, missing, quarantine, types] = await database.read([
      queries.cursorStatus({}),
      queries.missingSinceAudit({}),
      openQuarantine({}),
      eventTypes({}),
    ]);
    return { ...readCoverage({ cursors, missing, quarantine }, now(), blocker()), types };
  };
  type State = Awaited<ReturnType<typeof read>>;
  let reading: Promise<State | null> | undefined;
  // All gauges of one scrape are collected side by side, from one reading; the scrape must not fail because births cannot be read.
  const state = () => {
    reading ??= read()
      .catch(() => null)
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  const gauge = (name: string, help: string, value: (state: State | null) => number | null) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const figure = value(await state());
        if (figure !== null) this.set(figure);
      },
    });
  gauge('handoff_coverage_ok', '1 when coverage is ok, else 0', (found) => Number(found?.coverage.state === 'ok'));
  gauge('handoff_lag_rows', 'Births without a candidate', (found) => found?.evidence.lag_rows ?? null);
  gauge('handoff_unannounced_rows', 'Births with neither event nor pending row', (found) => found?.evidence.unannounced_rows ?? null);
  gauge('handoff_quarantine_rows', 'Rows that cannot be applied', (found) => found?.evidence.quarantine ?? null);
  gauge('handoff_cursor_heartbeat', 'When the tail last polled, in Unix seconds', (found) => {
    const polled = found === null ? null : lastPoll(found.evidence);
    return polled === null ? null : Date.parse(polled) / 1000;
  });
  new Gauge({
    name: 'handoff_pending_events',
    help: 'Captured events',
    labelNames: ['event_type'],
    registers: [registry],
    async collect() {
      for (const { event_type, pending } of (await state())?.types ?? []) this.set({ event_type }, pending);
    },
  });
}
