import type { Unit } from '../journal/unit.ts';
import { factRecord, type HandoffContext } from './handoff-unit.ts';

export type EventTypeWrites = {
  /** From active to inactive: births are captured again; what waits goes on waiting. */
  'event-type.deactivate': { readonly event_type: string; readonly changed_at: string; readonly changed_by: string };
};

/** From now on events of this type are captured and not delivered, until it is activated again. */
export function deactivateEventType(context: HandoffContext, input: { event_type: string; pending: number; reason: string | null }): Unit {
  const { event_type, pending, reason } = input;
  const draft = factRecord(context, {
    fact: 'event-type.deactivate',
    subject: `event-type/${event_type}`,
    reason,
    detail: { event_type, pending },
  });
  const values = { event_type, changed_at: context.at, changed_by: context.actor.actor_id };
  return { label: 'event-type.deactivate', changes: [{ write: 'event-type.deactivate', values }], records: [draft], events: [] };
}
