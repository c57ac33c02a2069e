import { judgeRange } from '@govctl/core/handoff';
import { anchorSql } from './tail-alarm.ts';
import { nothingTold, type Span, type TailApply } from './tail-apply.ts';
import type { CursorRow, Key, SqliteTailSession } from './tail-session.ts';
import { type SourceName, sources } from './tail-sql.ts';

/** The lane of large backlogs: every source in the order of its keys, up to the ids that were the last when it began. */
export class TailWalk {
  readonly #session: SqliteTailSession;
  readonly #apply: TailApply;
  #looked = 0;

  constructor(session: SqliteTailSession, apply: TailApply) {
    this.#session = session;
    this.#apply = apply;
  }

  /**
   * The whole backlog of the sources becomes one walk; with `fromStart` everything ever read is walked again, which changes nothing that
   * is right.
   */
  start(readable: ReadonlySet<SourceName>, fromStart = false): CursorRow[] {
    const session = this.#session;
    for (const { source, shard, low_water } of session.cursors()) {
      if (!readable.has(source)) continue;
      session.run(
        `UPDATE handoff_cursor SET walk_low = :low, walk_upto = :upto, walk_key = '', walk_rows = 0 WHERE source = :source AND shard = :shard`,
        { low: fromStart ? 0 : low_water, upto: Math.max(low_water, session.head(source)), source, shard },
      );
    }
    return session.cursors();
  }

  /** Rows that have been passed since this was asked last: keys of a span may be mostly of rows that were read long ago. */
  takeLooked(): number {
    const looked = this.#looked;
    this.#looked = 0;
    return looked;
  }

  /** One span of keys, of about `rows` rows. */
  step(rows: number, cursors: readonly CursorRow[]): number {
    const session = this.#session;
    const walking = cursors.filter((cursor) => cursor.walk_upto !== null);
    const span = this.#span(rows, walking);
    let applied = 0;
    let told = nothingTold;
    for (const cursor of walking) {
      const range = { cursor, low: cursor.walk_low ?? 0, high: cursor.walk_upto ?? 0 };
      const { row_count, ...more } = this.#apply.range(range, span, told);
      told = more.told;
      const met = cursor.walk_rows + row_count;
      const place = { source: cursor.source, shard: cursor.shard, now: session.now() };
      if (span.last) {
        // A second walk from the start also passes ids that were removed after they were read, and rows that we pruned are no loss.
        if (range.low === cursor.low_water && range.low >= cursor.pruned_upto)
          session.alarm(cursor, judgeRange(range.low, range.high, met));
        session.run(
          `UPDATE handoff_cursor SET low_water = max(low_water, :high), anchor = ${anchorSql(cursor.source)}, last_progress_at = :now,
             walk_low = NULL, walk_upto = NULL, walk_key = NULL, walk_rows = 0
           WHERE source = :source AND shard = :shard`,
          { ...place, high: range.high },
        );
      } else {
        session.run(
          'UPDATE handoff_cursor SET walk_key = :key, walk_rows = :met, last_progress_at = :now WHERE source = :source AND shard = :shard',
          { ...place, key: span.to_key, met },
        );
      }
      applied += row_count;
    }
    this.#looked = span.last ? applied : Math.max(applied, rows);
    // A span can hold only rows outside the range; the walk went on all the same.
    return Math.max(1, applied);
  }

  /** The next keys, so many that about `rows` rows have them; one key where one row is asked for. */
  #span(rows: number, walking: readonly CursorRow[]): Span {
    const afterKey = walking[0]?.walk_key ?? '';
    const skip = rows <= 1 ? 0 : Math.max(1, Math.ceil(rows / 2));
    const bounds = walking.flatMap(({ source }) => {
      const sql = `SELECT object_key FROM ${sources[source].table} WHERE object_key > :after_key ORDER BY object_key LIMIT 1 OFFSET :skip`;
      return this.#session.all<{ object_key: Key }>(sql, { after_key: afterKey, skip });
    });
    if (bounds.length > 0) {
      const [least] = this.#session.all<{ to_key: Key }>('SELECT min(column1) AS to_key FROM (VALUES (:a), (:b))', {
        a: bounds[0]?.object_key ?? '',
        b: bounds.at(-1)?.object_key ?? '',
      });
      if (least !== undefined) return { lane: 'key', after_key: afterKey, to_key: least.to_key, last: false };
    }
    // Nothing sorts after a blob of this size that a registry would hold; text always sorts before any blob.
    return { lane: 'key', after_key: afterKey, to_key: Buffer.alloc(64, 0xff), last: true };
  }
}
