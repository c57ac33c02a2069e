import { coverageStates } from '@govctl/core/decision';
import { lagSeconds } from '@govctl/core/handoff';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Database } from '../db/index.ts';
import { lastPoll, readCoverage } from './coverage.ts';
import { eventTypes, type HandoffQueries, openQuarantine } from './queries.ts';
import { replayCount } from './replay/queries.ts';
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
  const batches = new Counter({ name: 'govd_handoff_batches_total', help: 'Batches of the tail, committed', registers });
  return {
    batch(measure) {
      rows.inc(measure.rows);
      batches.inc();
      seconds.observe(measure.milliseconds / 1000);
    },
  };
}

/** Rows that replays ran again, on this host. */
export function replayCounter(registry: Registry): (rows: number) => void {
  const counter = new Counter({
    name: 'govd_handoff_replayed_rows_total',
    help: 'Rows of births and changelog run again by replays',
    registers: [registry],
  });
  return (rows) => counter.inc(rows);
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
    const [cursors, missing, quarantine, types, replays] = await database.read([
      queries.cursorStatus({}),
      queries.missingSinceAudit({}),
      openQuarantine({}),
      eventTypes({}),
      replayCount({}),
    ]);
    const blocked = blocker() !== null || cursors.some((cursor) => cursor.blocker != null);
    return { ...readCoverage({ cursors, missing, quarantine }, now(), blocker()), types, blocked, replays: replays[0]?.running ?? 0 };
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
        // NaN is what Prometheus has for not known: an old figure must not be shown as if it were of now.
        this.set(value(await state()) ?? Number.NaN);
      },
    });
  gauge('handoff_coverage_ok', '1 when coverage is ok, else 0', (found) => Number(found?.coverage.state === 'ok'));
  new Gauge({
    name: 'handoff_coverage',
    help: 'The state of coverage: 1 for the one that holds, 0 for the others',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const now = (await state())?.coverage.state ?? 'unknown';
      for (const one of coverageStates) this.set({ state: one }, Number(one === now));
    },
  });
  gauge('handoff_lag_seconds', 'Seconds since the tail had nothing left to do; 0 when it has nothing left now', (found) =>
    found === null ? null : lagSeconds(found.evidence),
  );
  gauge('handoff_blocker_present', '1 when something keeps the tail from reading, or its low water from being settled', (found) =>
    Number(found === null || found.blocked),
  );
  gauge('handoff_replays_running', 'Replays that are not at their end', (found) => found?.replays ?? null);
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
