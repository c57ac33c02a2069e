import { SliceSize } from '@govctl/core/handoff';
import type { CursorRow, SqliteTailSession } from './tail-session.ts';
import { missingSql, type SourceName } from './tail-sql.ts';

type Missing = { readonly lag_rows: number; readonly unannounced_rows: number; readonly hole_rows: number };

/** `more`: births that were never proved are left. */
type Proved = { readonly hole: boolean; readonly more: boolean };

/**
 * The truth net: proves, by anti-join, that the births below the cursor have their candidates and events, and proves a slice of the
 * older ones again. Keys come in no order, so a row can cost a page from the disk: slices are sized by the time they take.
 */
export class TailAudit {
  readonly #session: SqliteTailSession;
  readonly #sweepLow = new Map<SourceName, number>();
  readonly #size = new SliceSize();

  constructor(session: SqliteTailSession) {
    this.#session = session;
  }

  /** Proves at most `most` births of each source, in about `targetMs`. A hole, whatever made it, is mended by walking everything once more. */
  prove(sources: ReadonlySet<SourceName>, most: number, targetMs: number): Proved {
    const started = performance.now();
    const rows = Math.min(most, this.#size.rows);
    const cursors = this.#session.cursors();
    if (cursors.some((cursor) => cursor.walk_upto !== null)) return { hole: false, more: false };
    const found = cursors.filter((cursor) => sources.has(cursor.source)).map((cursor) => this.#slice(cursor, rows));
    if (rows === this.#size.rows && found.some(({ full }) => full)) this.#size.learn(performance.now() - started, targetMs);
    return { hole: found.some(({ hole }) => hole), more: found.some(({ more }) => more) };
  }

  #slice({ source, shard, low_water, audited_upto }: CursorRow, rows: number) {
    const high = Math.min(low_water, audited_upto + rows);
    const fresh = this.#missing(source, audited_upto, high);
    const sound = fresh.lag_rows === 0 && fresh.unannounced_rows === 0;
    if (high > audited_upto && sound) {
      this.#session.run('UPDATE handoff_cursor SET audited_upto = :high WHERE source = :source AND shard = :shard', {
        high,
        source,
        shard,
      });
    }
    const more = high < low_water && sound;
    // What was proved once can wait for what never was.
    if (more) return { hole: fresh.hole_rows > 0, more, full: true };
    const swept = this.#sweepLow.get(source) ?? 0;
    const from = swept >= audited_upto ? 0 : swept;
    const to = Math.min(audited_upto, from + rows);
    const old = this.#missing(source, from, to);
    this.#sweepLow.set(source, to);
    return { hole: fresh.hole_rows > 0 || old.hole_rows > 0, more, full: to - from >= rows };
  }

  #missing(source: SourceName, low: number, high: number): Missing {
    const none = { lag_rows: 0, unannounced_rows: 0, hole_rows: 0 };
    return high <= low ? none : (this.#session.all<Missing>(missingSql(source), { low, high })[0] ?? none);
  }
}
