import type { EventDraft, EventType } from '../event/event.ts';

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
