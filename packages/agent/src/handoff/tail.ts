import { type CursorAlarm, judgeRange, judgeSource, staleAfterMs, walksByKey } from '@govctl/core/handoff';
import { type SqliteHandle, type SqlParams, StatementCache } from '../db/index.ts';
import { readSource } from './source-fact.ts';
import type { Tail, TailStep } from './tail-port.ts';
import { attention, drainSql, type Lane, missingSql, type SourceName, sources, type TailSql, tailSql } from './tail-sql.ts';

export type TailOptions = {
  /** A connection of govd.db of the tail's own, with births attached (`attachBirths`). */
  readonly handle: SqliteHandle;
  readonly holder: string;
  readonly environment: string;
  readonly now: () => string;
};

type Key = string | Uint8Array;
type CursorRow = {
  readonly source: SourceName;
  readonly shard: number;
  readonly low_water: number;
  readonly audited_upto: number;
  readonly walk_low: number | null;
  readonly walk_upto: number | null;
  readonly walk_key: Key | null;
  readonly walk_rows: number;
  readonly last_poll_at: string | null;
  readonly stale_since: string | null;
  readonly alarm: string | null;
};

/** What one batch reads of one source: ids above `low` up to `high` and, in the key lane, only keys of the span. */
type Range = { readonly cursor: CursorRow; readonly low: number; readonly high: number };
type Span = { readonly lane: Lane; readonly after_key: Key; readonly to_key: Key; readonly last: boolean };
type Survey = { readonly row_count: number; readonly attention: number };
/** Ids of the registry that a transaction has applied without leaving a row out. */
type Told = { readonly told_low: number; readonly told_high: number };
type Missing = { readonly lag_rows: number; readonly unannounced_rows: number; readonly hole_rows: number };

/** How often an idle tail says that it lives. Each costs a disk flush; six may be late before coverage is unknown. */
const heartbeatMs = 5_000;
/** Births proved, or proved again, at a time. */
const auditRows = 10_000;
/** Fewer unproved births wait for the next heartbeat: a proof of its own costs a disk flush. */
const auditBacklog = 5_000;
const nothingTold: Told = { told_low: 0, told_high: 0 };
const arrivalSpan: Span = { lane: 'arrival', after_key: '', to_key: '', last: true };

class Fenced extends Error {}

/**
 * Tails both birth sources on SQLite. `step()` does one batch in one transaction: fence, rows, candidates, events, cursor and
 * heartbeat commit together or not at all, so a kill at any moment loses and doubles nothing. It runs on the thread of the journal and
 * holds no transaction across an await, so the two never wait for each other's locks.
 */
export class SqliteTail implements Tail {
  readonly #options: TailOptions;
  readonly #cache: StatementCache;
  readonly #sql = new Map<string, TailSql>();
  #fence = 0;
  #beatAt = Number.NEGATIVE_INFINITY;
  #sweepLow: Record<SourceName, number> = { birth_registry: 0, registry_changelog: 0 };

  constructor(options: TailOptions) {
    this.#options = options;
    this.#cache = new StatementCache(options.handle);
  }

  get fence(): number {
    return this.#fence;
  }

  /** Takes the cursors over; whoever held them commits nothing any more. */
  start(): void {
    this.#transaction(() => {
      this.#run('UPDATE handoff_cursor SET fence = 1 + (SELECT max(fence) FROM handoff_cursor), holder = :holder', {
        holder: this.#options.holder,
      });
      this.#fence = this.#all<{ fence: number }>('SELECT max(fence) AS fence FROM handoff_cursor')[0]?.fence ?? 0;
      for (const cursor of this.#cursors())
        this.#alarm(cursor, judgeSource(readSource(this.#options.handle, cursor.source), cursor.low_water));
    });
  }

  /**
   * One batch of about `rows` rows; or, with nothing to read, a heartbeat when one is due; or nothing.
   * @throws what SQLite throws (full, I/O, busy): nothing was done, and the next step does it.
   */
  step(rows: number): TailStep {
    const due = Date.parse(this.#options.now()) - this.#beatAt >= heartbeatMs;
    if (!due && !this.#hasWork()) return { kind: 'idle' };
    try {
      const applied = this.#transaction(() => {
        if (
          this.#run('UPDATE handoff_cursor SET holder = :holder WHERE fence = :fence', {
            holder: this.#options.holder,
            fence: this.#fence,
          }) === 0
        ) {
          throw new Fenced();
        }
        const count = this.#drain(rows) ?? this.#batch(rows);
        if (count === 0) this.#audit(Math.min(rows, auditRows));
        this.#heartbeat();
        return count;
      });
      this.#beatAt = Date.parse(this.#options.now());
      return applied === 0 ? { kind: 'idle' } : { kind: 'applied', rows: applied, settled: !this.#hasBacklog() };
    } catch (error) {
      if (error instanceof Fenced) return { kind: 'fenced' };
      throw error;
    }
  }

  /**
   * Plain BEGIN, and a write to govd.db first: that takes the write lock of govd.db alone, at once. BEGIN IMMEDIATE would take the
   * one of births.db too.
   */
  #transaction<T>(work: () => T): T {
    const { handle } = this.#options;
    handle.exec('BEGIN');
    try {
      const result = work();
      handle.exec('COMMIT');
      return result;
    } catch (error) {
      if (handle.inTransaction) handle.exec('ROLLBACK');
      throw error;
    }
  }

  #hasWork(): boolean {
    return this.#hasBacklog() || this.#cursors().some((cursor) => cursor.low_water - cursor.audited_upto >= auditBacklog);
  }

  #hasBacklog(): boolean {
    return this.#drains() || this.#cursors().some((cursor) => cursor.walk_upto !== null || this.#head(cursor.source) > cursor.low_water);
  }

  #drains(): boolean {
    return (
      this.#all(
        "SELECT 1 FROM event_type_registry WHERE event_type = 'handoff.object_born' AND active = 1 AND EXISTS (SELECT 1 FROM event_pending WHERE event_type = 'handoff.object_born')",
      ).length > 0
    );
  }

  /** Captured events of a type that is active by now, in key order; new births wait behind them in event_pending. */
  #drain(rows: number): number | null {
    if (!this.#drains()) return null;
    const [bound] = [...this.#all<SqlParams>(drainSql.bound, { skip: rows - 1 }), ...this.#all<SqlParams>(drainSql.last)];
    if (bound === undefined) return null;
    const { now, environment } = this.#options;
    const at = now();
    this.#run(drainSql.outbox, { ...bound, now: at, environment });
    this.#run(drainSql.emitted, { ...bound, now: at });
    return this.#run(drainSql.remove, bound);
  }

  #batch(rows: number): number {
    const cursors = this.#cursors();
    for (const cursor of cursors) {
      const head = this.#head(cursor.source);
      if (head < cursor.low_water) this.#alarm(cursor, judgeSource(readSource(this.#options.handle, cursor.source), cursor.low_water));
      if (cursor.walk_upto === null && walksByKey(head - cursor.low_water, head)) return this.#walk(rows, this.#startWalk());
    }
    if (cursors.some((cursor) => cursor.walk_upto !== null)) return this.#walk(rows, cursors);
    const behind = cursors.filter((cursor) => this.#head(cursor.source) > cursor.low_water);
    const share = Math.max(1, Math.ceil(rows / Math.max(1, behind.length)));
    let applied = 0;
    let told = nothingTold;
    for (const cursor of behind) {
      const range = { cursor, low: cursor.low_water, high: Math.min(this.#head(cursor.source), cursor.low_water + share) };
      const { row_count, ...more } = this.#apply(range, arrivalSpan, told);
      told = more.told;
      this.#alarm(cursor, judgeRange(range.low, range.high, row_count));
      this.#run('UPDATE handoff_cursor SET low_water = :high, last_progress_at = :now WHERE source = :source AND shard = :shard', {
        high: range.high,
        now: this.#options.now(),
        source: cursor.source,
        shard: cursor.shard,
      });
      applied += range.high - range.low;
    }
    return applied;
  }

  /** The whole backlog of every source becomes one walk; with `fromStart` everything ever read is walked again, which changes nothing that is right. */
  #startWalk(fromStart = false): CursorRow[] {
    for (const cursor of this.#cursors()) {
      this.#run(
        `UPDATE handoff_cursor SET walk_low = :low, walk_upto = :upto, walk_key = '', walk_rows = 0 WHERE source = :source AND shard = :shard`,
        {
          low: fromStart ? 0 : cursor.low_water,
          upto: Math.max(cursor.low_water, this.#head(cursor.source)),
          source: cursor.source,
          shard: cursor.shard,
        },
      );
    }
    return this.#cursors();
  }

  #walk(rows: number, cursors: readonly CursorRow[]): number {
    const walking = cursors.filter((cursor) => cursor.walk_upto !== null);
    const span = this.#span(rows, walking[0]?.walk_key ?? '');
    let applied = 0;
    let told = nothingTold;
    for (const cursor of walking) {
      const range = { cursor, low: cursor.walk_low ?? 0, high: cursor.walk_upto ?? 0 };
      const { row_count, ...more } = this.#apply(range, span, told);
      told = more.told;
      const met = cursor.walk_rows + row_count;
      const place = { source: cursor.source, shard: cursor.shard, now: this.#options.now() };
      if (span.last) {
        // A second walk from the start also passes ids that were pruned after they were read: only the first proves completeness.
        if (range.low === cursor.low_water) this.#alarm(cursor, judgeRange(range.low, range.high, met));
        this.#run(
          `UPDATE handoff_cursor SET low_water = max(low_water, :high), last_progress_at = :now, walk_low = NULL, walk_upto = NULL, walk_key = NULL, walk_rows = 0
           WHERE source = :source AND shard = :shard`,
          { ...place, high: range.high },
        );
      } else {
        this.#run(
          'UPDATE handoff_cursor SET walk_key = :key, walk_rows = :met, last_progress_at = :now WHERE source = :source AND shard = :shard',
          { ...place, key: span.to_key, met },
        );
      }
      applied += row_count;
    }
    // A span can hold only rows outside the range; the walk went on all the same.
    return Math.max(1, applied);
  }

  /** The next keys, so many that about `rows` rows have them. */
  #span(rows: number, afterKey: Key): Span {
    const bounds = Object.values(sources).flatMap(({ table }) => {
      const sql = `SELECT object_key FROM ${table} WHERE object_key > :after_key ORDER BY object_key LIMIT 1 OFFSET :skip`;
      return this.#all<{ object_key: Key }>(sql, { after_key: afterKey, skip: Math.max(1, Math.ceil(rows / 2)) });
    });
    if (bounds.length > 0) {
      const [least] = this.#all<{ to_key: Key }>('SELECT min(column1) AS to_key FROM (VALUES (:a), (:b))', {
        a: bounds[0]?.object_key ?? '',
        b: bounds.at(-1)?.object_key ?? '',
      });
      if (least !== undefined) return { lane: 'key', after_key: afterKey, to_key: least.to_key, last: false };
    }
    // Nothing sorts after a blob of this size that a registry would hold; text always sorts before any blob.
    return { lane: 'key', after_key: afterKey, to_key: Buffer.alloc(64, 0xff), last: true };
  }

  /** `told`: what the registry has applied in this transaction, whose births the changelog need not tell of again. */
  #apply({ cursor, low, high }: Range, span: Span, told: Told): { readonly row_count: number; readonly told: Told } {
    const { now, environment } = this.#options;
    const place: SqlParams = span.lane === 'arrival' ? { low, high } : { low, high, after_key: span.after_key, to_key: span.to_key };
    const stamped = { ...place, now: now() };
    const registry = cursor.source === 'birth_registry';
    const plain = this.#tailSql(span.lane, false);
    const [survey] = this.#all<Survey>(plain.survey[cursor.source], registry ? place : { ...place, ...told });
    if (survey === undefined || survey.row_count === 0) return { row_count: 0, told };
    const { row_count } = survey;
    const careful =
      survey.attention === attention.faults || this.#all('SELECT 1 FROM handoff_quarantine WHERE resolved_at IS NULL LIMIT 1').length > 0;
    // Twice: the second finds rows behind those that the first put there.
    if (careful) this.#run(plain.quarantine[cursor.source], stamped);
    if (careful) this.#run(plain.quarantine[cursor.source], stamped);
    const sql = this.#tailSql(span.lane, careful);
    const { events, candidates } = registry ? sql.births : sql.changelog;
    if (careful || survey.attention === attention.births) {
      if (this.#emits()) {
        this.#run(events.outbox, { ...stamped, environment });
        this.#run(events.emitted, stamped);
      } else {
        this.#run(events.capture, stamped);
      }
      // After the events: the changelog's look for births without a candidate.
      this.#run(candidates, stamped);
    }
    if (registry) return { row_count, told: careful ? nothingTold : { told_low: low, told_high: high } };
    this.#run(sql.changelog.changed, stamped);
    return { row_count, told };
  }

  /** Straight to the outbox only while nothing waits in event_pending: what was captured first goes out first. */
  #emits(): boolean {
    return (
      this.#all("SELECT 1 FROM event_type_registry WHERE event_type = 'handoff.object_born' AND active = 1").length > 0 && !this.#drains()
    );
  }

  /**
   * Proves, by anti-join, that the births below the cursor have their candidates and events, and proves a slice of the older ones
   * again. A hole, whatever made it, is mended by walking everything once more.
   */
  #audit(rows: number): void {
    for (const cursor of this.#cursors()) {
      if (cursor.walk_upto !== null) return;
      const { source, shard, low_water, audited_upto } = cursor;
      const high = Math.min(low_water, audited_upto + rows);
      const fresh = this.#missing(source, audited_upto, high);
      if (high > audited_upto && fresh.lag_rows === 0 && fresh.unannounced_rows === 0) {
        this.#run('UPDATE handoff_cursor SET audited_upto = :high WHERE source = :source AND shard = :shard', { high, source, shard });
      }
      const from = this.#sweepLow[source] >= audited_upto ? 0 : this.#sweepLow[source];
      const to = Math.min(audited_upto, from + rows);
      const old = this.#missing(source, from, to);
      this.#sweepLow[source] = to;
      if (fresh.hole_rows > 0 || old.hole_rows > 0) {
        this.#startWalk(true);
        return;
      }
    }
  }

  #missing(source: SourceName, low: number, high: number): Missing {
    const none = { lag_rows: 0, unannounced_rows: 0, hole_rows: 0 };
    return high <= low ? none : (this.#all<Missing>(missingSql(source), { low, high })[0] ?? none);
  }

  #heartbeat(): void {
    const now = this.#options.now();
    const cursors = this.#cursors();
    const polled = cursors.map((cursor) => cursor.last_poll_at).sort()[0] ?? null;
    const told = cursors.find((cursor) => cursor.stale_since !== null)?.stale_since ?? null;
    const silent = polled !== null && Date.parse(now) - Date.parse(polled) > staleAfterMs;
    if (told === null && silent) this.#say('handoff.stale', { last_poll_at: polled });
    if (told !== null || silent) this.#say('handoff.recovered', { stale_since: told ?? polled });
    this.#run('UPDATE handoff_cursor SET last_poll_at = :now, stale_since = NULL WHERE fence = :fence', { now, fence: this.#fence });
    if (!this.#hasBacklog()) {
      this.#run('UPDATE handoff_cursor SET last_settled_at = :now WHERE fence = :fence', { now, fence: this.#fence });
    }
  }

  #say(type: 'handoff.stale' | 'handoff.recovered', data: Readonly<Record<string, unknown>>): void {
    const { now, environment } = this.#options;
    const event = {
      type,
      subject: 'handoff',
      time: now(),
      tenant_id: 'default',
      dataset_id: null,
      layer: null,
      run_id: null,
      environment,
      data,
    };
    this.#run('INSERT INTO outbox (committed_at, event_count, events) VALUES (:now, 1, :events)', {
      now: now(),
      events: JSON.stringify([event]),
    });
  }

  /** An alarm stays until an operator resumes: what was lost does not come back by reading on. */
  #alarm(cursor: CursorRow, alarm: CursorAlarm | null): void {
    if (alarm === null) return;
    const text = JSON.stringify({ ...alarm, raised_at: this.#options.now() });
    this.#run('UPDATE handoff_cursor SET alarm = :text WHERE source = :source AND shard = :shard AND alarm IS NULL', {
      text,
      source: cursor.source,
      shard: cursor.shard,
    });
  }

  #cursors(): CursorRow[] {
    return this.#all<CursorRow>(
      `SELECT source, shard, low_water, audited_upto, walk_low, walk_upto, walk_key, walk_rows, last_poll_at, stale_since, alarm
       FROM handoff_cursor ORDER BY source, shard`,
    );
  }

  #head(source: SourceName): number {
    return this.#all<{ seq: number }>('SELECT seq FROM births.sqlite_sequence WHERE name = :source', { source })[0]?.seq ?? 0;
  }

  #tailSql(lane: Lane, careful: boolean): TailSql {
    const name = `${lane}${careful ? ' careful' : ''}`;
    const known = this.#sql.get(name) ?? tailSql(lane, careful);
    this.#sql.set(name, known);
    return known;
  }

  #all<Row>(sql: string, params: SqlParams = {}): Row[] {
    return this.#cache.get(sql).all(params) as Row[];
  }

  #run(sql: string, params: SqlParams): number {
    return this.#cache.get(sql).run(params).changes;
  }
}
