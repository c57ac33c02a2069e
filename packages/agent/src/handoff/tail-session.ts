import { type CursorAlarm, laneRowLimit } from '@govctl/core/handoff';
import { type SqliteHandle, type SqlParams, StatementCache } from '../db/index.ts';
import type { SourceName } from './tail-sql.ts';

export type Key = string | Uint8Array;

export type CursorRow = {
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
  readonly paused_at: string | null;
  readonly pruned_upto: number;
  readonly anchor: string | null;
};

/** The connection of the tail on SQLite, and what every part of the tail asks of it. */
export class SqliteTailSession {
  readonly handle: SqliteHandle;
  readonly now: () => string;
  readonly environment: string;
  readonly #cache: StatementCache;

  constructor(handle: SqliteHandle, now: () => string, environment: string) {
    this.handle = handle;
    this.now = now;
    this.environment = environment;
    this.#cache = new StatementCache(handle);
  }

  all<Row>(sql: string, params: SqlParams = {}): Row[] {
    return this.#cache.get(sql).all(params) as Row[];
  }

  run(sql: string, params: SqlParams): number {
    return this.#cache.get(sql).run(params).changes;
  }

  /**
   * Plain BEGIN, and a write to govd.db first: that takes the write lock of govd.db alone, at once. BEGIN IMMEDIATE would take the
   * one of births.db too.
   */
  transaction<T>(work: () => T): T {
    this.handle.exec('BEGIN');
    try {
      const result = work();
      this.handle.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.handle.inTransaction) this.handle.exec('ROLLBACK');
      throw error;
    }
  }

  cursors(): CursorRow[] {
    return this.all<CursorRow>(
      `SELECT source, shard, low_water, audited_upto, walk_low, walk_upto, walk_key, walk_rows, last_poll_at, stale_since, paused_at, pruned_upto, anchor
       FROM handoff_cursor ORDER BY source, shard`,
    );
  }

  /** Highest id the source ever gave out. */
  head(source: SourceName): number {
    return this.all<{ seq: number }>('SELECT seq FROM births.sqlite_sequence WHERE name = :source', { source })[0]?.seq ?? 0;
  }

  /** The type is delivered, and its lane has room: where it has none, births are captured as if it were not delivered. */
  delivers(): boolean {
    return this.all(`SELECT 1 FROM event_type_registry WHERE event_type = 'handoff.object_born' AND active = 1`).length > 0 && this.#room();
  }

  /** Captured events that go out now. */
  drains(): boolean {
    return this.all(`SELECT 1 FROM event_pending WHERE event_type = 'handoff.object_born' LIMIT 1`).length > 0 && this.delivers();
  }

  /** An alarm stays until an operator resumes: what was lost does not come back by reading on. */
  alarm({ source, shard }: Pick<CursorRow, 'source' | 'shard'>, alarm: CursorAlarm | null): void {
    if (alarm === null) return;
    const text = JSON.stringify({ ...alarm, raised_at: this.now() });
    this.run('UPDATE handoff_cursor SET alarm = :text WHERE source = :source AND shard = :shard AND alarm IS NULL', {
      text,
      source,
      shard,
    });
  }

  #room(): boolean {
    const [waiting] = this.all<{ n: number }>(
      `SELECT count(*) AS n FROM (SELECT 1 FROM outbox
         WHERE outbox_id > coalesce((SELECT outbox_id FROM outbox_position ORDER BY first_position DESC LIMIT 1), 0) LIMIT ${laneRowLimit})`,
    );
    return (waiting?.n ?? 0) < laneRowLimit;
  }
}
