import { join } from 'node:path';
import { migrate, openSqlite, type SqliteHandle, type SqlParams, sqliteMigrations } from '../../packages/agent/src/db/index.ts';

type Row = SqlParams;
/** The rows one promotion left. */
export type PromotionRows = { readonly table: string; readonly rows: readonly Row[] }[];

const tables = ['run', 'pointer', 'record', 'record_payload', 'decision_facts', 'merkle_node', 'outbox'] as const;

/** Reads what promotions wrote, promotion by promotion, from where it stopped the time before. */
export class FinishedRows {
  readonly #handle: SqliteHandle;
  #run = 0;
  #outbox = 0;

  constructor(state: string) {
    this.#handle = openSqlite(join(state, 'govd.db'), 'read');
    this.skip();
  }

  /** Leaves out what was written up to now. */
  skip(): void {
    const last = (sql: string) => (this.#handle.prepare(sql).get() as { last: number }).last;
    this.#run = last('SELECT coalesce(max(rowid), 0) AS last FROM run');
    this.#outbox = last('SELECT coalesce(max(outbox_id), 0) AS last FROM outbox');
  }

  next(): PromotionRows[] {
    const all = (sql: string, ...values: unknown[]) => this.#handle.prepare(sql).all(...values) as Row[];
    const runs = all('SELECT * FROM run WHERE rowid > ? ORDER BY rowid', this.#run);
    const outboxBefore = this.#outbox;
    this.skip();
    // One row a promotion, in the order of the commits; nothing else in this deployment writes any.
    const outbox = all(
      'SELECT outbox_id, committed_at, event_count, events FROM outbox WHERE outbox_id > ? ORDER BY outbox_id',
      outboxBefore,
    );
    if (outbox.length !== runs.length) throw new Error(`${runs.length} promotions left ${outbox.length} rows in the outbox`);
    return runs.map((run, place) => {
      const records = all('SELECT * FROM record WHERE run_id = ? ORDER BY leaf_index', run.run_id);
      const leaves = records.map((record) => Number(record.leaf_index));
      const of = (table: string) => leaves.flatMap((leaf) => all(`SELECT * FROM ${table} WHERE leaf_index = ?`, leaf));
      const rows: Record<(typeof tables)[number], Row[]> = {
        run: [run],
        pointer: all(
          'SELECT * FROM pointer WHERE tenant_id = ? AND dataset_id = ? AND layer = ? AND run_id = ?',
          run.tenant_id,
          run.dataset_id,
          run.to_layer,
          run.run_id,
        ),
        record: records,
        record_payload: of('record_payload'),
        decision_facts: of('decision_facts'),
        merkle_node: leaves.flatMap((leaf) => this.#nodes(leaf)),
        outbox: outbox.slice(place, place + 1),
      };
      return tables.map((table) => ({ table, rows: rows[table] }));
    });
  }

  /** The nodes above the leaves that this leaf completed. */
  #nodes(leaf: number): Row[] {
    const found: Row[] = [];
    for (let level = 1; (leaf + 1) % 2 ** level === 0; level += 1) {
      const row = this.#handle
        .prepare('SELECT * FROM merkle_node WHERE level = ? AND node_index = ?')
        .get(level, (leaf + 1) / 2 ** level - 1) as Row | undefined;
      if (row !== undefined) found.push(row);
    }
    return found;
  }

  close(): void {
    this.#handle.close();
  }
}

/**
 * The bare side of the ratio: the rows a promotion left, written again into an empty database of the same schema and settings,
 * with statements that were compiled before. Nothing is checked, computed, signed or answered.
 */
export class BareLoop {
  readonly #handle: SqliteHandle;
  readonly #insert = new Map<string, (row: Row) => void>();
  readonly #lock: (row: Row) => void;
  readonly #head: (row: Row) => void;

  constructor(folder: string) {
    this.#handle = openSqlite(join(folder, 'bare.db'));
    migrate(this.#handle, sqliteMigrations, () => new Date().toISOString());
    const writer = (sql: string) => {
      const statement = this.#handle.prepare<[Row]>(sql);
      return (row: Row) => void statement.run(row);
    };
    for (const table of tables) {
      const columns = (this.#handle.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
      this.#insert.set(
        table,
        writer(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `:${name}`).join(', ')})`),
      );
    }
    this.#lock = writer(
      'INSERT INTO lock (lock_key, fence) VALUES (:lock_key, :fence) ON CONFLICT (lock_key) DO UPDATE SET fence = excluded.fence',
    );
    this.#head = writer('INSERT INTO log_head (size, root, committed_at) VALUES (:size, :root, :committed_at)');
  }

  /** Durable transactions of so many promotions each; answers the seconds. */
  write(promotions: readonly PromotionRows[], perTransaction: number): number {
    const started = performance.now();
    for (let first = 0; first < promotions.length; first += perTransaction) {
      this.#handle.exec('BEGIN IMMEDIATE');
      let last: Row = {};
      for (const promotion of promotions.slice(first, first + perTransaction)) {
        for (const { table, rows } of promotion) {
          for (const row of rows) {
            this.#insert.get(table)?.(row);
            if (table === 'record') last = row;
            if (table === 'pointer')
              this.#lock({ lock_key: `dataset/${row.tenant_id}/${row.dataset_id}/${row.layer}`, fence: row.fence ?? 0 });
          }
        }
      }
      this.#head({ size: Number(last.leaf_index) + 1, root: last.leaf_hash ?? null, committed_at: last.recorded_at ?? null });
      this.#handle.exec('COMMIT');
    }
    return (performance.now() - started) / 1000;
  }

  close(): void {
    this.#handle.close();
  }
}
