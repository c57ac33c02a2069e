import { eventData, unpackEvents } from '@govctl/core/event';

/** So many rows of the outbox are looked at, the newest: one may hold hundreds of births. */
const looked = 500;

type Rows = <Row>(database: 'govd', sql: string) => Promise<Row[]>;

/**
 * Holds what a deployment told against the closed schema of each type: a field that nobody declared is a field nobody can rely on.
 *
 * @throws Error naming the first that does not fit
 */
export async function requireEventData(rows: Rows): Promise<void> {
  // A test may have taken the database away, or made it one that cannot be read.
  const texts = await rows<{ events: string }>('govd', `SELECT events FROM outbox ORDER BY outbox_id DESC LIMIT ${looked}`).catch(() => []);
  for (const { type, data } of texts.flatMap(({ events }) => unpackEvents(events))) {
    const read = eventData[type].safeParse(data);
    if (!read.success) throw new Error(`data of ${type} is not what docs/events.md says: ${JSON.stringify(data)}: ${read.error.message}`);
  }
}
