import type { SqliteTailSession } from './tail-session.ts';
import { missingSql, type SourceName } from './tail-sql.ts';

type Missing = { readonly lag_rows: number; readonly unannounced_rows: number; readonly hole_rows: number };

/** Births proved, or proved again, at a time. */
const auditRows = 10_000;

/**
 * The truth net: proves, by anti-join, that the births below the cursor have their candidates and events, and proves a slice of the
 * older ones again.
 */
export class TailAudit {
  readonly #session: SqliteTailSession;
  readonly #sweepLow = new Map<SourceName, number>();

  constructor(session: SqliteTailSession) {
    this.#session = session;
  }

  /** @returns whether there is a hole, whatever made it: walking everything once more mends it. */
  findsHole(sources: ReadonlySet<SourceName>, most: number): boolean {
    const rows = Math.min(most, auditRows);
    for (const { source, shard, low_water, audited_upto, walk_upto } of this.#session.cursors()) {
      if (walk_upto !== null) return false;
      if (!sources.has(source)) continue;
      const high = Math.min(low_water, audited_upto + rows);
      const fresh = this.#missing(source, audited_upto, high);
      if (high > audited_upto && fresh.lag_rows === 0 && fresh.unannounced_rows === 0) {
        this.#session.run('UPDATE handoff_cursor SET audited_upto = :high WHERE source = :source AND shard = :shard', {
          high,
          source,
          shard,
        });
      }
      const swept = this.#sweepLow.get(source) ?? 0;
      const from = swept >= audited_upto ? 0 : swept;
      const to = Math.min(audited_upto, from + rows);
      const old = this.#missing(source, from, to);
      this.#sweepLow.set(source, to);
      if (fresh.hole_rows > 0 || old.hole_rows > 0) return true;
    }
    return false;
  }

  #missing(source: SourceName, low: number, high: number): Missing {
    const none = { lag_rows: 0, unannounced_rows: 0, hole_rows: 0 };
    return high <= low ? none : (this.#session.all<Missing>(missingSql(source), { low, high })[0] ?? none);
  }
}
