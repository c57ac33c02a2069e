import type { CoverageFact } from '../decision/facts.ts';
import type { HandoffPause } from './handoff-unit.ts';

export type CoverageState = CoverageFact['state'];

/** Older than this, what the tail said is no longer known to be true. */
export const staleAfterMs = 30_000;
/** A poll this far ahead of the clock means the clock was set back: the heartbeat proves nothing. */
export const clockToleranceMs = 5_000;

/** A source's cursor, with what stands above it. Times are RFC 3339 UTC of the deployment's clock. */
export type CursorFact = {
  readonly source: string;
  readonly shard: number;
  readonly low_water: number;
  /** Highest id the source ever gave out. */
  readonly head: number;
  /** Rows that can be seen and were not read; absent where that is every id above the low water. */
  readonly unread_rows?: number;
  /** Ids read already above the low water, which waits for transactions of the source that are still open. */
  readonly seen_rows?: number;
  /** Rows that were read long enough ago to be proved, and are not yet: what became of their births is not known. */
  readonly unproved_rows?: number;
  /** The transaction the low water waits for, when that lasts. Nothing that can be seen waits for it. */
  readonly blocker?: string | null;
  readonly fence: number;
  readonly last_poll_at: string | null;
  readonly last_progress_at: string | null;
  readonly last_settled_at: string | null;
  readonly alarm: { readonly coverage: 'pruned' | 'drift' | 'behind'; readonly detail: string; readonly raised_at: string } | null;
};

/** What coverage is judged from, read in one snapshot. Lag is counted by anti-join against births, never from a cursor. */
export type CoverageEvidence = {
  readonly as_of: string;
  readonly cursors: readonly CursorFact[];
  readonly lag_rows: number;
  readonly unannounced_rows: number;
  /** Rows that stand aside, births or not: their objects are not known as they are. */
  readonly quarantine: number;
  /** Who stopped the tail, where somebody did. */
  readonly pause?: HandoffPause | null;
  /** Why births cannot be read, where they cannot. */
  readonly blocker: string | null;
  /** The fence of the tail that asks, where a tail asks: another fence in the rows means it was taken over. */
  readonly own_fence?: number;
};

export type Coverage = { readonly state: CoverageState; readonly reason: string };

/**
 * Judges coverage; the gravest finding wins, and what is not known is never ok. A birth is never held back by any of it: only
 * activation fails closed.
 */
export function judgeCoverage(evidence: CoverageEvidence): Coverage {
  const { cursors, as_of, lag_rows, unannounced_rows } = evidence;
  if (evidence.blocker !== null) return { state: 'unknown', reason: evidence.blocker };
  if (cursors.length === 0) return { state: 'unknown', reason: 'no source is tailed' };
  const taken = cursors.find((cursor) => evidence.own_fence !== undefined && cursor.fence !== evidence.own_fence);
  if (taken !== undefined) return { state: 'fenced', reason: `another daemon tails ${taken.source} (fence ${taken.fence})` };
  const alarmed = cursors.find((cursor) => cursor.alarm?.coverage === 'drift') ?? cursors.find((cursor) => cursor.alarm !== null);
  if (alarmed?.alarm) return { state: alarmed.alarm.coverage, reason: `${alarmed.source}: ${alarmed.alarm.detail}` };
  const pause = evidence.pause ?? null;
  if (pause !== null) return { state: 'unknown', reason: `${pause.paused_by} paused the tail at ${pause.paused_at}: ${pause.reason}` };
  const now = Date.parse(as_of);
  for (const cursor of cursors) {
    if (cursor.last_poll_at === null) return { state: 'unknown', reason: `${cursor.source} was never read` };
    const age = now - Date.parse(cursor.last_poll_at);
    if (!(age <= staleAfterMs)) return { state: 'unknown', reason: `${cursor.source} was last read ${Math.round(age / 1000)} s ago` };
    if (age < -clockToleranceMs)
      return { state: 'unknown', reason: `${cursor.source} was last read in the future: the clock was set back` };
  }
  if (lag_rows > 0) return { state: 'behind', reason: `${lag_rows} births have no candidate yet` };
  if (unannounced_rows > 0) return { state: 'behind', reason: `${unannounced_rows} births have neither event nor pending row` };
  if (evidence.quarantine > 0) return { state: 'behind', reason: `${evidence.quarantine} rows stand aside in quarantine` };
  const behind = cursors.find((cursor) => unread(cursor) > 0);
  if (behind !== undefined) return { state: 'behind', reason: `${unread(behind)} rows of ${behind.source} are still to be read` };
  const unproved = cursors.find((cursor) => (cursor.unproved_rows ?? 0) > 0);
  if (unproved !== undefined)
    return { state: 'behind', reason: `${unproved.unproved_rows} rows of ${unproved.source} were read, and are being proved` };
  return { state: 'ok', reason: 'every birth has its candidate and its event' };
}

/** What an operator does about it, with a command; null where nothing need be done, or only waited for. */
export function coverageFix(evidence: CoverageEvidence, { state }: Coverage): string | null {
  const { cursors, pause = null, quarantine } = evidence;
  if (state === 'drift')
    return 'mend what the reason names, then read everything again, which changes nothing that is right: govctl handoff resume --reason TEXT';
  if (state === 'pruned')
    return 'find out who removed rows and bring back the births that are lost: govctl handoff import FILE; then govctl handoff resume --reason TEXT';
  if (state === 'ok') return null;
  if (state === 'unknown' && evidence.blocker === null && pause !== null) return 'govctl handoff resume --reason TEXT';
  if (state === 'unknown') return 'govctl doctor';
  if (cursors.some((cursor) => cursor.alarm !== null)) return 'end the transaction that is named as blocker; the alarm ends with it';
  return quarantine > 0 ? 'govctl handoff quarantine ls' : null;
}

function unread(cursor: CursorFact): number {
  return cursor.unread_rows ?? Math.max(0, cursor.head - cursor.low_water);
}

/** Seconds since the tail last had nothing left to do; 0 when it has nothing left now, null when that was never so. */
export function lagSeconds(evidence: CoverageEvidence): number | null {
  if (evidence.lag_rows === 0 && evidence.cursors.every((cursor) => unread(cursor) === 0)) return 0;
  const settled = evidence.cursors.map((cursor) => cursor.last_settled_at).sort();
  const oldest = settled.includes(null) ? null : (settled[0] ?? null);
  return oldest === null ? null : Math.max(0, (Date.parse(evidence.as_of) - Date.parse(oldest)) / 1000);
}
