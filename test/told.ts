import { type EventDraft, type EventType, unpackEvents } from '@govctl/core/event';
import type { Deployment } from './harness.ts';

/** What was told of a run, as its commits wrote it: readers get it a moment later, when it has its position. */
export async function toldOf(at: Deployment, run: string, type: EventType): Promise<EventDraft[]> {
  const rows = await at.rows<{ events: string }>('govd', `SELECT events FROM outbox WHERE events LIKE '%"${type}"%' ORDER BY outbox_id`);
  return rows.flatMap(({ events }) => unpackEvents(events)).filter((event) => event.type === type && event.run_id === run);
}
