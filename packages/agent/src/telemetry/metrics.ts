import type { AuditFinding } from '@govctl/core/audit';
import { Counter, Histogram, Registry } from 'prom-client';
import type { HttpObserver } from '../http/index.ts';
import type { JournalObserver } from '../journal/index.ts';

type AuditMetrics = { found(findings: readonly AuditFinding[]): void };

export type Metrics = {
  readonly registry: Registry;
  readonly http: HttpObserver;
  readonly journal: JournalObserver;
  readonly decisions: Counter<'decision'>;
  readonly access: Counter<'outcome'>;
  readonly audit: AuditMetrics;
};

/** Prometheus metrics; names are in docs/operations. Labels never carry a caller's strings, so their number is bounded. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Histogram({
    name: 'govd_http_request_seconds',
    help: 'Time to answer a request',
    labelNames: ['route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    registers,
  });
  const commits = new Counter({ name: 'govd_journal_commits_total', help: 'Durable commits of the write path', registers });
  const units = new Counter({ name: 'govd_journal_units_total', help: 'Units written', registers });
  const records = new Counter({ name: 'govd_evidence_records_total', help: 'Evidence records appended', registers });
  const events = new Counter({ name: 'govd_events_total', help: 'Events written to the outbox', registers });
  const commitSeconds = new Histogram({
    name: 'govd_journal_commit_seconds',
    help: 'Time of a group commit',
    buckets: [0.0005, 0.002, 0.01, 0.05, 0.25, 1],
    registers,
  });
  const decisions = new Counter({ name: 'govd_decisions_total', help: 'Decisions recorded', labelNames: ['decision'], registers });
  const access = new Counter({
    name: 'govd_evidence_access_total',
    help: 'Requests for evidence by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const findings = new Counter({
    name: 'govd_audit_findings_total',
    help: 'What runs owed and did not do, or did and did not owe, when it was found',
    labelNames: ['class'],
    registers,
  });
  const neverFinalized = new Counter({
    name: 'govd_run_never_finalized_total',
    help: 'Runs that were never finalized: alert on it',
    registers,
  });
  const unexpected = new Counter({
    name: 'govd_unexpected_domain_action_total',
    help: 'Actions of a domain that no run expected: look into it',
    registers,
  });
  return {
    registry,
    decisions,
    access,
    audit: {
      found(list) {
        for (const finding of list) {
          findings.inc({ class: finding.class });
          if (finding.class === 'stale') neverFinalized.inc();
          if (finding.class === 'drift') unexpected.inc();
        }
      },
    },
    http: { request: ({ route, status, seconds }) => requests.observe({ route, status: String(status) }, seconds) },
    journal: {
      group(measure) {
        commits.inc();
        units.inc(measure.units);
        records.inc(measure.records);
        events.inc(measure.events);
        commitSeconds.observe(measure.microseconds / 1e6);
      },
    },
  };
}
