import type { Client } from 'pg';

const tables = ['run', 'pointer', 'record', 'record_payload', 'decision_facts', 'merkle_node', 'outbox'] as const;
type TableName = (typeof tables)[number];
type Json = Readonly<Record<string, unknown>>;
/** The rows one promotion left, as JSON. */
type PromotionRows = Readonly<Record<TableName, readonly Json[]>>;

/** Reads what promotions wrote, promotion by promotion, from where it stopped the time before. */
export class PostgresRows {
  readonly #client: Client;
  #leaf = -1;
  #outbox = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Leaves out what was written up to now. */
  async skip(): Promise<void> {
    const { rows } = await this.#client.query<{ leaf: number; outbox: number }>(
      `SELECT (SELECT coalesce(max(leaf_index), -1) FROM record)::int AS leaf, (SELECT coalesce(max(outbox_id), 0) FROM outbox)::int AS outbox`,
    );
    this.#leaf = rows[0]?.leaf ?? -1;
    this.#outbox = rows[0]?.outbox ?? 0;
  }

  async next(): Promise<PromotionRows[]> {
    const json = async (table: TableName, where: string, after = this.#leaf) =>
      (await this.#client.query<{ row: Json }>(`SELECT to_jsonb(t) AS row FROM ${table} t WHERE ${where}`, [after])).rows.map(
        ({ row }) => row,
      );
    const ofRun = 'run_id IN (SELECT run_id FROM record WHERE leaf_index > $1)';
    const [runs, pointers] = [await json('run', ofRun), await json('pointer', ofRun)];
    const records = await json('record', 'leaf_index > $1 AND run_id IS NOT NULL ORDER BY leaf_index');
    const payloads = await json('record_payload', 'leaf_index > $1');
    const facts = await json('decision_facts', 'leaf_index > $1');
    const nodes = await json('merkle_node', '(node_index + 1) * 2 ^ level > $1 + 1');
    // One row a promotion; nothing else in this deployment writes any.
    const outbox = await json('outbox', 'outbox_id > $1 ORDER BY outbox_id', this.#outbox);
    await this.skip();
    const byRun = Map.groupBy(records, (record) => String(record.run_id));
    if (byRun.size !== outbox.length) throw new Error(`${byRun.size} promotions left ${outbox.length} rows in the outbox`);
    return [...byRun].map(([run, own], place) => {
      const leaves = new Set(own.map((record) => Number(record.leaf_index)));
      const mine = (rows: readonly Json[]) => rows.filter((row) => leaves.has(Number(row.leaf_index)));
      return {
        run: runs.filter((row) => row.run_id === run),
        pointer: pointers.filter((row) => row.run_id === run),
        record: own,
        record_payload: mine(payloads),
        decision_facts: mine(facts),
        merkle_node: nodes.filter((row) => leaves.has((Number(row.node_index) + 1) * 2 ** Number(row.level) - 1)),
        outbox: outbox.slice(place, place + 1),
      };
    });
  }
}

/**
 * The bare side of the ratio: the rows promotions left, written again into an empty database of the same schema, in durable transactions
 * of so many promotions, one statement a table. Nothing is checked, computed, signed or answered. Answers the seconds.
 */
export async function writeBare(client: Client, promotions: readonly PromotionRows[], perTransaction: number): Promise<number> {
  const groups: { readonly texts: readonly { name: string; text: string; values: unknown[] }[] }[] = [];
  for (let first = 0; first < promotions.length; first += perTransaction) {
    const group = promotions.slice(first, first + perTransaction);
    const texts = tables.map((table) => ({
      name: `bare ${table}`,
      text: `INSERT INTO govctl.${table} SELECT * FROM jsonb_populate_recordset(NULL::govctl.${table}, $1)`,
      values: [JSON.stringify(group.flatMap((promotion) => promotion[table]))] as unknown[],
    }));
    const last = group.at(-1)?.record.at(-1);
    const pointers = group.flatMap((promotion) => promotion.pointer);
    texts.push({
      name: 'bare waiting',
      text: 'INSERT INTO outbox_waiting SELECT outbox_id FROM jsonb_populate_recordset(NULL::outbox, $1)',
      values: [JSON.stringify(group.flatMap((promotion) => promotion.outbox))],
    });
    texts.push({
      name: 'bare lock',
      text: `INSERT INTO lock (lock_key, fence) SELECT concat_ws('/', 'dataset', tenant_id, dataset_id, layer), max(fence)
        FROM jsonb_populate_recordset(NULL::pointer, $1) GROUP BY 1 ON CONFLICT (lock_key) DO UPDATE SET fence = excluded.fence`,
      values: [JSON.stringify(pointers)],
    });
    texts.push({
      name: 'bare head',
      text: `INSERT INTO log_head (size, root, committed_at) VALUES ($1, $2::text::bytea, $3)`,
      values: [Number(last?.leaf_index) + 1, last?.leaf_hash, last?.recorded_at],
    });
    groups.push({ texts });
  }
  const started = performance.now();
  for (const { texts } of groups) {
    await client.query('BEGIN');
    for (const text of texts) await client.query(text);
    await client.query('COMMIT');
  }
  return (performance.now() - started) / 1000;
}
