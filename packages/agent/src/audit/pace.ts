import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Query } from '../db/index.ts';

/** How a reconciliation goes on beside everything else: how much it reads at a time, and how long it rests then. */
export type Pace = {
  /** Rows of the next page. */
  rows(): number;
  /** After a page of so many rows that took so long. */
  rest(rows: number, ms: number): Promise<void>;
};

export type PaceOptions = {
  /** Whether somebody is being served right now. */
  readonly busy: () => boolean;
  /** Shares of the time that it takes at most: while others are served, and while nobody is. */
  readonly share: { readonly busy: number; readonly idle: number };
  readonly pause?: (ms: number) => Promise<void>;
};

/** What a page may take: while others wait for this thread, hardly more than one answer does. */
const pageMs = { busy: 2, idle: 20 } as const;
const [fewest, most] = [16, 1000];
/** How much of a new measure counts. */
const weight = 0.3;

/** By itself, every hour: what is served comes first, and a report may take a while. */
export const periodicShare = { busy: 0.04, idle: 0.1 } as const;
/** Somebody waits for it; it has the thread to itself while nobody else wants it. */
export const askedShare = { busy: 0.1, idle: 1 } as const;

export function paced({ busy, share, pause = pauseFor }: PaceOptions): Pace {
  let msPerRow = pageMs.busy / fewest;
  return {
    rows: () => Math.round(Math.min(most, Math.max(fewest, (busy() ? pageMs.busy : pageMs.idle) / msPerRow))),
    async rest(rows, ms) {
      if (rows > 0) msPerRow = msPerRow * (1 - weight) + (Math.max(ms, 0.001) / rows) * weight;
      await pause(ms * (1 / (busy() ? share.busy : share.idle) - 1));
    },
  };
}

async function pauseFor(ms: number): Promise<void> {
  if (ms > 0) await sleep(ms);
  else await new Promise((resolve) => setImmediate(resolve));
}

/** Rows in the order of their key, from one on: null is before the first. */
type PageOf<Row> = (last: Row | null, limit: number) => Query<Row>;

/**
 * Looks at every row of something, a page at a time: no more of it is in memory than one page, and no statement takes long.
 *
 * @param look at one page; what it takes beyond this thread (files, commits) is not counted as work
 */
export async function eachPage<Row>(
  database: Database,
  pace: Pace,
  page: PageOf<Row>,
  look: (rows: readonly Row[]) => Promise<void> | undefined,
): Promise<number> {
  let count = 0;
  for (let last: Row | null = null; ; ) {
    const limit = pace.rows();
    const began = performance.now();
    const [rows]: [readonly Row[]] = await database.read([page(last, limit)]);
    const further = rows.length === 0 ? undefined : look(rows);
    const took = performance.now() - began;
    await further;
    count += rows.length;
    last = rows.at(-1) ?? null;
    if (last === null || rows.length < limit) return count;
    await pace.rest(rows.length, took);
  }
}
