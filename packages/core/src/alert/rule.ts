import type { EventDraft, EventType } from '../event/event.ts';
import type { AlertSeverity, AlertSignal } from './alert.ts';

type Heard = EventDraft & { readonly event_id: string };

/** What an event means for alerts: pure, so that the same event always says the same. */
export type AlertRule = (event: Heard) => readonly AlertSignal[];

const fire =
  (what: {
    key: (event: Heard) => string;
    domain: string;
    severity: AlertSeverity;
    summary: (event: Heard) => string;
    fix: (event: Heard) => string;
    parent?: (event: Heard) => string;
  }): AlertRule =>
  (event) => [
    {
      state: 'firing',
      alert_key: what.key(event),
      domain: what.domain,
      severity: what.severity,
      summary: what.summary(event).slice(0, 512),
      fix: what.fix(event),
      parent_key: what.parent?.(event) ?? null,
      dataset_id: event.dataset_id,
      run_id: event.run_id,
      event_id: event.event_id,
      at: event.time,
    },
  ];

const resolve =
  (why: string, ...keys: readonly ((event: Heard) => string)[]): AlertRule =>
  (event) =>
    keys.map((key) => ({ state: 'resolved', alert_key: key(event), why, at: event.time }));

/** A part of a key that can be typed: what others chose freely is cut and cleaned. */
const part = (value: unknown) => (typeof value === 'string' && value !== '' ? value.replaceAll(/[^\w.:@-]+/g, '_').slice(0, 128) : '-');
const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const target = (event: Heard) => part(event.dataset_id ?? event.run_id ?? event.subject) + (event.layer === null ? '' : `/${event.layer}`);
const runFailed = (event: Heard) => `run.failed/${target(event)}`;
const threshold = (event: Heard) => `threshold.exceeded/${target(event)}`;
const incident = (event: Heard) => `incident/${part(event.data.incident_id)}`;
const auditKey = (name: string) => (event: Heard) => `audit.${name}/${target(event)}`;
const run = (event: Heard) => event.run_id ?? event.subject;

const audit = (name: string, severity: AlertSeverity, parent?: (event: Heard) => string) =>
  fire({
    key: auditKey(name),
    domain: 'audit',
    severity,
    summary: (event) =>
      `Audit of run ${run(event)}: ${name} ${[event.data.domain, event.data.action].map(text).filter(Boolean).join('/')}`.trim(),
    fix: (event) => (event.run_id === null ? 'govctl reconcile' : `govctl reconcile --run ${event.run_id}`),
    ...(parent === undefined ? {} : { parent }),
  });

const failure = fire({
  key: runFailed,
  domain: 'runs',
  severity: 'high',
  summary: (event) => `Run ${run(event)} failed: ${text(event.data.reason) || text(event.data.decided_by) || text(event.data.status)}`,
  fix: (event) => `govctl why ${run(event)}`,
});

/** What fires while the reactor is silent; it cannot say so itself. */
export const reactorKey = 'reactor.silent';

/** The default handlers: what fires and what ends it. Types without a line mean nothing for alerts. */
export const alertRules: Readonly<Partial<Record<EventType, AlertRule>>> = {
  // Somebody ended it on purpose, and is not called for that.
  'run.failed': (event) => (event.data.status === 'cancelled' && typeof event.data.incident_id !== 'string' ? [] : failure(event)),
  'run.completed': resolve('a run of the same target succeeded', runFailed, threshold),
  'threshold.exceeded': fire({
    key: threshold,
    domain: 'policies',
    severity: 'medium',
    summary: (event) => `Run ${run(event)} crossed a threshold: ${text(event.data.threshold)}`,
    fix: (event) => `govctl why ${run(event)}`,
  }),
  'incident.created': (event) =>
    fire({
      key: incident,
      domain: 'incidents',
      severity: event.data.severity === 'high' ? 'high' : 'medium',
      summary: () => `Incident ${text(event.data.error_code)}: ${text(event.data.reason)}`,
      fix: () => `govctl incident get ${part(event.data.incident_id)}`,
      // Of a run: its failure says the same. Of the deployment itself: a dead reactor is told of before it can react.
      parent: event.run_id === null ? () => reactorKey : runFailed,
    })(event),
  'incident.resolved': resolve('the incident was resolved', incident),
  'audit.reconciliation.stale': audit('stale', 'high'),
  // A run that was never finalized misses something by definition.
  'audit.reconciliation.missing': audit('missing', 'high', auditKey('stale')),
  'audit.reconciliation.drift': audit('drift', 'medium'),
  'audit.reconciliation.invalid': audit('invalid', 'high'),
  'audit.reconciliation.failed': audit('failed', 'high'),
  'handoff.stale': fire({
    key: () => 'handoff.stale',
    domain: 'handoff',
    severity: 'high',
    summary: () => 'The tail of births is silent: what is born is not seen',
    fix: () => 'govctl handoff status',
  }),
  'handoff.recovered': resolve('the tail of births speaks again', () => 'handoff.stale'),
};
