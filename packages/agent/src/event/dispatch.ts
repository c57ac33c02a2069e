import type { Unit } from '@govctl/core/journal';
import { holdLease } from '@govctl/core/lease';
import type { Database } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import type { EventFeed } from './feed.ts';
import { eventHead } from './queries.ts';

export type DispatchDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly feed: EventFeed;
  /** Who this process is, unlike every other: the holder of the lease. */
  readonly holder: string;
  readonly now: () => string;
};

/** Outbox rows of one round. */
const roundRows = 4096;

/**
 * One round of the dispatcher: rows that were committed get their positions, if the lease is ours. Nothing is written while there is
 * nothing to do.
 *
 * @returns rows still waiting afterwards; null when somebody else holds the lease.
 */
export async function dispatchEvents(deps: DispatchDependencies): Promise<number | null> {
  const { database, journal, feed, holder, now } = deps;
  const [[before]] = await database.read([eventHead({})]);
  if (before === undefined || before.waiting_rows === 0) return 0;
  const unit: Unit = {
    label: 'event.dispatch',
    changes: [holdLease('event-dispatch', holder, now()), { write: 'outbox.dispatch', values: { limit: roundRows } }],
    records: [],
    events: [],
  };
  const result = await journal.commit(unit);
  if (!result.ok) return null;
  feed.announce();
  const [[after]] = await database.read([eventHead({})]);
  return after?.waiting_rows ?? 0;
}
