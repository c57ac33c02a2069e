import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Query } from '../db/index.ts';

/** How a reconciliation goes on beside everything else: how much it reads at a time, and how long it rests then. */
export type Pace = {
  /** Rows of the next page. */
  rows(): number;
  /** After a page of so many rows that took so long. */
  rest(rows: number, ms: number): Promise<void>;
};

/** How long a page may take, and the share of the time that all pages may take together. */
type Gait = { readonly page_ms: number; readonly share: number };
type Gaits = { readonly busy: Gait; readonly idle: Gait };

export type PaceOptions = {
  /** Whether somebody is being served right now. */
  readonly busy: () => boolean;
  /** While others are served, and while nobody is. */
  readonly gait: Gaits;
  /** Ends it at the next rest. */
  readonly signal?: AbortSignal;
  /** Told at each rest that it goes on. */
  readonly goesOn?: () => void;
  readonly pause?: (ms: number, signal?: AbortSignal) => Promise<void>;
};

const [fewest, most] = [4, 1000];
/** How much of a new measure counts. */
const weight = 0.3;

/**
 * By itself, every hour: what is served comes first, and a report may take a while. A page holds this thread for a fraction of what one
 * promotion takes, and so seldom that few promotions meet one. Whoever comes while nobody is served does not wait noticeably either.
 */
export const periodicGait: Gaits = { busy: { page_ms: 0.5, share: 0.015 }, idle: { page_ms: 3, share: 0.1 } };
/** Somebody waits for it; it has the thread to itself while nobody else wants it. */
export const askedGait: Gaits = { busy: { page_ms: 1, share: 0.05 }, idle: { page_ms: 10, share: 1 } };

export function paced({ busy, gait, signal, goesOn, pause = pauseFor }: PaceOptions): Pace {
  const now = () => (busy() ? gait.busy : gait.idle);
  let msPerRow = gait.busy.page_ms / fewest;
  return {
    rows: () => Math.round(Math.min(most, Math.max(fewest, now().page_ms / msPerRow))),
    async rest(rows, ms) {
      goesOn?.();
      if (rows > 0) msPerRow = msPerRow * (1 - weight) + (Math.max(ms, 0.001) / rows) * weight;
      await pause(ms * (1 / now().share - 1), signal);
      signal?.throwIfAborted();
    },
  };
}

async function pauseFor(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, signal === undefined ? {} : { signal });
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
