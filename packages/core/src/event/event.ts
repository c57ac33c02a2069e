/** The types of page 6 that exist by now; a new type is added here and nowhere else. */
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
  'trace.started',
  'trace.completed',
  'policy.evaluated',
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
