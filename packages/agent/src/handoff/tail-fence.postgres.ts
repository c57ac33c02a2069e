import type { PostgresRun, PostgresSession, ServerIdentity } from '../db/index.ts';
import { type SourceName, type SourceSql, sourceNames } from './source.postgres.ts';
import { writersSql } from './tail-sql.postgres.ts';

type Writer = { readonly source: SourceName; readonly vxid: string; readonly pid: number | null };

/** Ids up to `ceiling` were drawn before it was read; each of them belongs to a transaction of `writers`, or to one that had ended. */
type Fence = {
  readonly ceiling: number;
  readonly writers: ReadonlySet<string>;
  readonly since: number;
  readonly server: ServerIdentity | undefined;
  waitsFor: readonly Writer[];
};

/** A writer that keeps the low water for longer than this is named. */
const namedAfterMs = 5_000;
const toldAgainMs = 3_000;

/**
 * Settles the low water. An INSERT takes its table's lock before it draws an id and keeps it until its transaction ends. So once the
 * ceiling was read, whoever drew an id below it either holds the lock when the locks are read afterwards, or has ended; and when none
 * of those is there any more, no row up to the ceiling can still appear. No privilege, no clock, nothing on the source; a transaction
 * that does not write to the source delays nothing.
 */
export class TailFences {
  readonly #session: PostgresSession;
  readonly #monotonicMs: () => number;
  readonly #fences = new Map<SourceName, Fence>();
  readonly #texts = new Map<string, string>();
  /** Sources whose row may name a blocker, and when it was written. */
  readonly #told = new Map<SourceName, number>(sourceNames.map((source) => [source, Number.NEGATIVE_INFINITY]));
  readonly #done = new Set<SourceName>();

  constructor(session: PostgresSession, monotonicMs: () => number) {
    this.#session = session;
    this.#monotonicMs = monotonicMs;
  }

  /** After the connection or the lease was lost: what was proved then proves nothing now. */
  forget(): void {
    this.#fences.clear();
    // Another host may have written there.
    for (const source of sourceNames) this.#told.set(source, Number.NEGATIVE_INFINITY);
  }

  done(source: SourceName): void {
    this.#fences.delete(source);
    if (this.#told.has(source)) this.#done.add(source);
  }

  /**
   * Up to which id each source is settled, once everything that can be seen from now on is read. `ceilings` were read before this, on
   * the connection that is open now.
   */
  async settled(
    sources: readonly SourceSql[],
    ceilings: readonly { readonly source: SourceName; readonly ceiling: number }[],
  ): Promise<ReadonlyMap<SourceName, number>> {
    const settled = new Map<SourceName, number>();
    if (ceilings.length === 0 && this.#fences.size === 0) return settled;
    const key = sources.map(({ table }) => table).join();
    const text = this.#texts.get(key) ?? writersSql(sources);
    this.#texts.set(key, text);
    const { server } = this.#session;
    const { rows } = await this.#session.run<Writer>(text);
    if (this.#session.server !== server || server === undefined) {
      this.forget();
      return settled;
    }
    for (const { source, ceiling } of ceilings) {
      if (this.#fences.get(source)?.server === server) continue;
      const writers = new Set(rows.filter((row) => row.source === source).map((row) => row.vxid));
      this.#fences.set(source, { ceiling, writers, since: this.#monotonicMs(), server, waitsFor: [] });
    }
    for (const [source, fence] of this.#fences) {
      // A prepared transaction may be listed under another name than it had before.
      fence.waitsFor = rows.filter((row) => row.source === source && (fence.writers.has(row.vxid) || row.pid === null));
      if (fence.waitsFor.length === 0) settled.set(source, fence.ceiling);
    }
    return settled;
  }

  /** Writes down what is being settled, and who keeps it waiting, where that lasts. */
  async tell(run: PostgresRun): Promise<void> {
    for (const [source, fence] of this.#fences) {
      const at = this.#monotonicMs();
      const waited = at - fence.since;
      if (fence.waitsFor.length === 0 || waited < namedAfterMs) continue;
      // It says for how many seconds, and need not say so in every batch.
      if (at - (this.#told.get(source) ?? Number.NEGATIVE_INFINITY) < toldAgainMs) continue;
      const blocker = await this.#describe(run, fence.waitsFor, waited);
      await run(
        `UPDATE handoff_cursor SET blocker = :blocker, fence_ceiling = :ceiling, fence_writers = string_to_array(:writers, ','),
           fence_since = coalesce(fence_since, last_poll_at) WHERE source = :source`,
        { blocker, ceiling: fence.ceiling, writers: fence.waitsFor.map(({ vxid }) => vxid).join(','), source },
      );
      this.#told.set(source, at);
      this.#done.delete(source);
    }
    for (const source of this.#done) {
      await run(
        `UPDATE handoff_cursor SET blocker = NULL, fence_ceiling = NULL, fence_writers = NULL, fence_since = NULL
         WHERE source = :source AND (blocker IS NOT NULL OR fence_ceiling IS NOT NULL)`,
        { source },
      );
      this.#done.delete(source);
      this.#told.delete(source);
    }
  }

  async #describe(run: PostgresRun, writers: readonly Writer[], waitedMs: number): Promise<string> {
    const [first] = writers;
    if (first === undefined) return '';
    const seconds = Math.round(waitedMs / 1000);
    const more = writers.length > 1 ? ` and ${writers.length - 1} more` : '';
    if (first.pid === null)
      return `prepared transaction ${first.vxid}${more} keeps ids of ${first.source} open for ${seconds} s: COMMIT PREPARED or ROLLBACK PREPARED`;
    const { rows } = await run<{ who: string | null }>(
      `SELECT concat_ws(', ', usename, nullif(application_name, '')) AS who FROM pg_stat_activity WHERE pid = :pid`,
      { pid: first.pid },
    );
    return `pid ${first.pid} (${rows[0]?.who ?? 'unknown'}; transaction ${first.vxid})${more} keeps ids of ${first.source} open for ${seconds} s`;
  }
}
