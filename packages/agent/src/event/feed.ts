import { type PlacedEvent, unpackEvents } from '@govctl/core/event';
import type { Database } from '../db/index.ts';
import { eventHead, eventRows } from './queries.ts';

/** Text of events read at a time: what one reader costs in memory, besides a single larger row. */
const readBytes = 512 * 1024;

/** Events in the order of their positions, and the news that there are more. */
export type EventFeed = {
  /** The newest position given; 0 before the first. */
  head(): Promise<number>;
  /** Some events from a position on, in order; none when there are none yet. */
  read(from: number): Promise<readonly PlacedEvent[]>;
  /** Resolves at the next news, or after so many milliseconds, or when the signal says so. Never rejects. */
  news(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Tells everybody who waits. */
  announce(): void;
};

export function eventFeed(database: Database): EventFeed {
  const waiting = new Set<() => void>();
  return {
    async head() {
      const [[row]] = await database.read([eventHead({})]);
      return row?.head ?? 0;
    },

    async read(from) {
      const [rows] = await database.read([eventRows({ from, bytes: readBytes })]);
      const placed: PlacedEvent[] = [];
      for (const { outbox_id, first_position, events } of rows) {
        unpackEvents(events).forEach((draft, index) => {
          const position = first_position + index;
          if (position >= from) placed.push({ draft, outbox_id, index, position });
        });
      }
      return placed;
    },

    async news(milliseconds, signal) {
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, milliseconds);
        waiting.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    },

    announce() {
      for (const done of [...waiting]) done();
    },
  };
}

/**
 * A feed for one reader that takes fewer events at a time than are read: what was read and not yet taken is kept, and read no second time.
 * Positions never change, so what is kept is never old.
 */
export function readingAhead(feed: EventFeed): EventFeed {
  let kept: readonly PlacedEvent[] = [];
  return {
    ...feed,
    async read(from) {
      const first = kept[0]?.position ?? Number.POSITIVE_INFINITY;
      const rest = from < first ? [] : kept.slice(from - first);
      if (rest[0]?.position === from) return rest;
      const found = await feed.read(from);
      // Somebody looks back at an event that failed: the place is not lost for it.
      if (from > first || kept.length === 0) kept = found;
      return found;
    },
  };
}
