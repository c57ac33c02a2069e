import { idleTargetMs, judgeRange, walksByKey } from '@govctl/core/handoff';
import type { SqliteHandle, SqlParams } from '../db/index.ts';
import { anchorSql, watchAnchor, watchSources } from './tail-alarm.ts';
import { arrivalSpan, isFaultOfRow, isSchemaFault, nothingTold, TailApply } from './tail-apply.ts';
import { TailAudit } from './tail-audit.ts';
import { beat } from './tail-heartbeat.ts';
import { TailMend } from './tail-mend.ts';
import type { Tail, TailStep } from './tail-port.ts';
import { type CursorRow, SqliteTailSession } from './tail-session.ts';
import { drainSql, provedAtOnce, type SourceName } from './tail-sql.ts';
import { TailWalk } from './tail-walk.ts';

export type TailOptions = {
  /** A connection of govd.db of the tail's own, with births attached (`attachBirths`). */
  readonly handle: SqliteHandle;
  readonly holder: string;
  readonly environment: string;
  readonly now: () => string;
};

/** How often an idle tail says that it lives. Each costs a disk flush; six may be late before coverage is unknown. */
const heartbeatMs = 5_000;
/** Rows of the quarantine that are applied again at a time. */
const mendRows = 500;

class Fenced extends Error {}

/**
 * Tails both birth sources on SQLite. `step()` does one batch in one transaction: fence, rows, candidates, events, cursor and
 * heartbeat commit together or not at all, so a kill at any moment loses and doubles nothing. It runs on the thread of the journal and
 * holds no transaction across an await, so the two never wait for each other's locks.
 */
export class SqliteTail implements Tail {
  readonly #holder: string;
  readonly #session: SqliteTailSession;
  readonly #apply: TailApply;
  readonly #walk: TailWalk;
  readonly #mend: TailMend;
  readonly #audit: TailAudit;
  #fence = 0;
  #beatAt = Number.NEGATIVE_INFINITY;
  /** A proof that was begun goes on to its end: left to heartbeats, the last few thousand births took a minute. */
  #proving = false;
  #readable: ReadonlySet<SourceName> = new Set();

  constructor({ handle, holder, environment, now }: TailOptions) {
    this.#holder = holder;
    this.#session = new SqliteTailSession(handle, now, environment);
    this.#apply = new TailApply(this.#session);
    this.#walk = new TailWalk(this.#session, this.#apply);
    this.#mend = new TailMend(this.#session, this.#apply);
    this.#audit = new TailAudit(this.#session);
  }

  get fence(): number {
    return this.#fence;
  }

  /** Takes the cursors over; whoever held them commits nothing any more. */
  start(): void {
    const session = this.#session;
    session.transaction(() => {
      session.run('UPDATE handoff_cursor SET fence = 1 + (SELECT max(fence) FROM handoff_cursor), holder = :holder', {
        holder: this.#holder,
      });
      this.#fence = session.all<{ fence: number }>('SELECT max(fence) AS fence FROM handoff_cursor')[0]?.fence ?? 0;
      this.#readable = watchSources(session);
    });
  }

  /**
   * One batch of about `rows` rows; or, with nothing to read, a heartbeat when one is due and births that are to be proved; or nothing.
   * @throws what SQLite throws (full, I/O, busy): nothing was done, and the next step does it.
   */
  step(rows: number, targetMs: number = idleTargetMs): TailStep {
    const since = Date.parse(this.#session.now()) - this.#beatAt;
    // A clock that was set back: by the old time no heartbeat would be due for as long, and coverage unknown.
    const due = since >= heartbeatMs || since < 0;
    const paused = this.#session.cursors().some((cursor) => cursor.paused_at !== null);
    if (!due && (paused || !this.#hasWork())) return paused ? { kind: 'paused' } : { kind: 'idle' };
    try {
      if (paused) return this.#rest();
      return this.#mend.asked() ? this.#retry(Math.min(rows, mendRows)) : this.#attempt(rows, due, targetMs);
    } catch (error) {
      if (error instanceof Fenced) return { kind: 'fenced' };
      if (!isSchemaFault(error)) throw error;
      // A table or column that was there is not any more: that is drift, if the catalog says so too.
      const before = this.#readable.size;
      this.#readable = this.#session.transaction(() => {
        this.#hold();
        return watchSources(this.#session);
      });
      if (this.#readable.size === before) throw error;
      return { kind: 'idle' };
    }
  }

  /** A statement that fails for what a row holds is tried with fewer rows, until the row that it cannot take is alone and stands aside. */
  #attempt(rows: number, due: boolean, targetMs: number): TailStep {
    this.#apply.begin();
    this.#walk.takeLooked();
    try {
      const applied = this.#session.transaction(() => {
        this.#hold();
        if (due) this.#look();
        const count = this.#drain(rows) ?? this.#batch(rows);
        const proved = count === 0 ? this.#audit.prove(this.#readable, rows, targetMs) : null;
        if (proved?.hole === true) this.#walk.start(this.#readable, true);
        beat(this.#session, this.#fence, !this.#hasBacklog());
        return { count, proving: proved?.more === true };
      });
      this.#beatAt = Date.parse(this.#session.now());
      const { count, proving } = applied;
      this.#proving = proving;
      if (count === 0) return proving ? { kind: 'idle', proving } : { kind: 'idle' };
      return { kind: 'applied', rows: count, looked: Math.max(count, this.#walk.takeLooked()), settled: !this.#hasBacklog() };
    } catch (error) {
      if (!isFaultOfRow(error)) throw error;
      if (rows > 1) return this.#attempt(Math.max(1, Math.floor(rows / 8)), due, targetMs);
      const aside = this.#session.transaction(() => {
        this.#hold();
        return this.#apply.setAside(error as Error);
      });
      if (!aside) throw error;
      return { kind: 'applied', rows: 1, settled: false };
    }
  }

  /** Rows of the quarantine, the same way. */
  #retry(rows: number): TailStep {
    try {
      const count = this.#session.transaction(() => {
        this.#hold();
        const tried = this.#mend.step(rows);
        beat(this.#session, this.#fence, false);
        return tried;
      });
      return { kind: 'applied', rows: count, settled: false };
    } catch (error) {
      if (!isFaultOfRow(error)) throw error;
      if (rows > 1) return this.#retry(Math.max(1, Math.floor(rows / 8)));
      this.#session.transaction(() => {
        this.#hold();
        this.#mend.failFirst(error as Error);
      });
      return { kind: 'applied', rows: 1, settled: false };
    }
  }

  /** Paused: it lives, and reads nothing. */
  #rest(): TailStep {
    this.#session.transaction(() => {
      this.#hold();
      beat(this.#session, this.#fence, false);
    });
    this.#beatAt = Date.parse(this.#session.now());
    return { kind: 'paused' };
  }

  #hold(): void {
    const held = this.#session.run('UPDATE handoff_cursor SET holder = :holder WHERE fence = :fence', {
      holder: this.#holder,
      fence: this.#fence,
    });
    if (held === 0) throw new Fenced();
  }

  #look(): void {
    this.#readable = watchSources(this.#session);
    this.#mend.release();
  }

  #hasWork(): boolean {
    return (
      this.#hasBacklog() ||
      this.#mend.asked() ||
      this.#proving ||
      this.#session.cursors().some((cursor) => cursor.low_water - cursor.audited_upto >= provedAtOnce)
    );
  }

  #hasBacklog(): boolean {
    return this.#session.drains() || this.#cursors().some((cursor) => cursor.walk_upto !== null || this.#isBehind(cursor));
  }

  #isBehind(cursor: CursorRow): boolean {
    return this.#session.head(cursor.source) > cursor.low_water;
  }

  /** Of the sources that can be read. */
  #cursors(): CursorRow[] {
    return this.#session.cursors().filter((cursor) => this.#readable.has(cursor.source));
  }

  /** Captured events of a type that is active by now, in key order; new births wait behind them in event_pending. */
  #drain(rows: number): number | null {
    const session = this.#session;
    if (!session.drains()) return null;
    const [bound] = [...session.all<SqlParams>(drainSql.bound, { skip: rows - 1 }), ...session.all<SqlParams>(drainSql.last)];
    if (bound === undefined) return null;
    const at = session.now();
    session.run(drainSql.outbox, { ...bound, now: at, environment: session.environment });
    session.run(drainSql.emitted, { ...bound, now: at });
    return session.run(drainSql.remove, bound);
  }

  #batch(rows: number): number {
    const session = this.#session;
    const cursors = this.#cursors();
    for (const cursor of cursors) {
      const head = session.head(cursor.source);
      if (head < cursor.low_water) this.#readable = watchSources(session);
      if (cursor.walk_upto === null && walksByKey(head - cursor.low_water, head))
        return this.#walk.step(rows, this.#walk.start(this.#readable));
    }
    if (cursors.some((cursor) => cursor.walk_upto !== null)) return this.#walk.step(rows, cursors);
    const behind = cursors.filter((cursor) => this.#isBehind(cursor));
    const share = Math.max(1, Math.ceil(rows / Math.max(1, behind.length)));
    let applied = 0;
    let told = nothingTold;
    for (const cursor of behind) {
      const { source, shard, low_water: low, pruned_upto } = cursor;
      watchAnchor(session, cursor);
      const most = Math.min(session.head(source), low + share);
      // What we pruned is no loss: rows up to there are judged apart from those above.
      const high = low < pruned_upto ? Math.min(most, pruned_upto) : most;
      const { row_count, ...more } = this.#apply.range({ cursor, low, high }, arrivalSpan, told);
      told = more.told;
      if (low >= pruned_upto) session.alarm(cursor, judgeRange(low, high, row_count));
      session.run(
        `UPDATE handoff_cursor SET low_water = :high, anchor = ${anchorSql(source)}, last_progress_at = :now WHERE source = :source AND shard = :shard`,
        { high, now: session.now(), source, shard },
      );
      applied += high - low;
    }
    return applied;
  }
}
