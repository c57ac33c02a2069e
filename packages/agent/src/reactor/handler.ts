import { type AlertSignal, alertRules } from '@govctl/core/alert';
import { type EventType, eventIdOf, eventTypes, type PlacedEvent } from '@govctl/core/event';

/**
 * Reacts to events of one type, or to all of them. What it does is what it answers: the signals take effect with the mark that the event
 * was handled, in one unit, so that nothing happens twice and nothing is lost.
 */
export type Handler = {
  readonly name: string;
  readonly on: EventType | '*';
  handle(event: PlacedEvent, signal: AbortSignal): readonly AlertSignal[] | Promise<readonly AlertSignal[]>;
};

/** One handler a type, and a wildcard. Types without an alert rule are heard all the same: that is how the numbers of each are known. */
export function defaultHandlers(observe: (type: EventType) => void): readonly Handler[] {
  return [
    ...eventTypes.map((type): Handler => {
      const rule = alertRules[type];
      return { name: type, on: type, handle: (event) => rule?.({ ...event.draft, event_id: eventIdOf(event) }) ?? [] };
    }),
    {
      name: 'every-event',
      on: '*',
      handle(event) {
        observe(event.draft.type);
        return [];
      },
    },
  ];
}
