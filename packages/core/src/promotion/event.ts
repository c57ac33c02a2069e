import type { EventDraft, EventType } from '../event/event.ts';
import type { RunState } from './run-state.ts';

export type EventScope = {
  readonly time: string;
  readonly tenant_id: string;
  readonly dataset_id: string;
  readonly layer: string | null;
  readonly run_id: string;
  readonly environment: string;
  readonly traceparent?: string;
};

/** Events of one run share everything but their type and data. */
export function eventsOf(scope: EventScope, drafts: readonly (readonly [EventType, Readonly<Record<string, unknown>>])[]): EventDraft[] {
  return drafts.map(([type, data]) => ({ type, subject: `run/${scope.run_id}`, ...scope, data }));
}

/** That a trace was begun: with the first step of a run that is in it. */
export function traceStarted({ trace_id }: Pick<RunState, 'trace_id'>) {
  return ['trace.started', { trace_id }] as const;
}

/** That a trace is whole: with the commit that ends its run. */
export function traceCompleted({ trace_id, observability_status }: Pick<RunState, 'trace_id' | 'observability_status'>, kind: string) {
  return ['trace.completed', { trace_id, kind, observability_status: observability_status ?? null }] as const;
}

/** What events would say of a trace that could not be written is not so. */
export function untracedEvents(events: readonly EventDraft[]): EventDraft[] {
  return events.filter(({ type }) => !type.startsWith('trace.'));
}

/** The end of a run that was allowed, for a store that is not ours, and whose store never moved. */
export function neverMoved({ store, active }: Pick<RunState, 'store' | 'active'>, decision_ref: string | null, reason: string) {
  if (store === undefined || active !== undefined) return [];
  return [['store.promotion.failed', { decision_ref, reason, rolls_back: null }] as const];
}
