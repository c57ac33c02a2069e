/** Every type there is (page 6), whoever emits it; a new one is added here and described in `catalogue.ts`. */
export const eventTypes = [
  'operations.job.completed',
  'operations.job.failed',
  'store.gdp.promoted',
  'store.kpi.promoted',
  'store.promotion.failed',
  'governance.contract.promoted',
  'governance.decision.recorded',
  'handoff.object_born',
  'handoff.stale',
  'handoff.recovered',
  'run.started',
  'run.completed',
  'run.failed',
  'run.paused',
  'run.resumed',
  'incident.created',
  'incident.resolved',
  'policy.evaluated',
  'threshold.exceeded',
  'trace.started',
  'trace.completed',
  'audit.reconciliation.missing',
  'audit.reconciliation.drift',
  'audit.reconciliation.stale',
  'audit.reconciliation.invalid',
  'audit.reconciliation.failed',
  'registry.bundle.published',
  'registry.bundle.activated',
  'registry.bundle.rolled_back',
  'policy.rev.changed',
  'key.rotated',
  'evidence.ref.resolved',
  'lock.broken',
] as const;

export type EventType = (typeof eventTypes)[number];

/** An event of a unit, before it has an id and a position. Every event says whose it is; layer and run may be unknown. */
export type EventDraft = {
  readonly type: EventType;
  readonly subject: string;
  readonly time: string;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly layer: string | null;
  readonly run_id: string | null;
  readonly environment: string;
  readonly traceparent?: string;
  readonly data: Readonly<Record<string, unknown>>;
};
