import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Database } from '../db/index.ts';
import { lastPoll, readCoverage } from './coverage.ts';
import { cursorStatus, eventTypes, missingSinceAudit, openQuarantine } from './queries.ts';
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
export function handoffGauges(registry: Registry, database: Database, now: () => string, blocker: () => string | null): void {
  const registers = [registry];
  const heartbeat = new Gauge({ name: 'handoff_cursor_heartbeat', help: 'When the tail last polled, in Unix seconds', registers: [] });
  const lag = new Gauge({ name: 'handoff_lag_rows', help: 'Births without a candidate', registers: [] });
  const unannounced = new Gauge({ name: 'handoff_unannounced_rows', help: 'Births with neither event nor pending row', registers: [] });
  const quarantined = new Gauge({ name: 'handoff_quarantine_rows', help: 'Rows that cannot be applied', registers: [] });
  const pending = new Gauge({ name: 'handoff_pending_events', help: 'Captured events', labelNames: ['event_type'], registers: [] });
  for (const gauge of [heartbeat, lag, unannounced, quarantined, pending]) registry.registerMetric(gauge);
  new Gauge({
    name: 'handoff_coverage_ok',
    help: '1 when coverage is ok, else 0',
    registers,
    async collect() {
      try {
        const [cursors, missing, quarantine, types] = await database.read([
          cursorStatus({}),
          missingSinceAudit({}),
          openQuarantine({}),
          eventTypes({}),
        ]);
        const { evidence, coverage } = readCoverage({ cursors, missing, quarantine }, now(), blocker());
        const polled = lastPoll(evidence);
        if (polled !== null) heartbeat.set(Date.parse(polled) / 1000);
        lag.set(evidence.lag_rows);
        unannounced.set(evidence.unannounced_rows);
        quarantined.set(evidence.quarantine);
        for (const type of types) pending.set({ event_type: type.event_type }, type.pending);
        this.set(coverage.state === 'ok' ? 1 : 0);
      } catch {
        // Unknown is not ok; the scrape itself must not fail because births cannot be read.
        this.set(0);
      }
    },
  });
}
