import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { PostgresAccess } from '../postgres/server.ts';
import { holdXid, raid } from './hold.ts';
import { type KnownRow, Ledger } from './ledger.ts';
import { makePlan, type PlanOptions } from './plan.ts';
import { makeSource, readTruth } from './source.ts';
import type { Tailer } from './tailer.ts';
import { type Figures, judge } from './verdict.ts';
import { Writer } from './writer.ts';

/** What the server of a run has to allow. */
export const serverSettings = { max_connections: 300, max_prepared_transactions: 1000, track_commit_timestamp: 'on' };

export type TailerResult = {
  readonly tailer: string;
  readonly control: boolean;
  readonly figures: Figures;
  readonly complaints: readonly string[];
};

export type RunResult = PlanOptions & {
  readonly committed_rows: number;
  readonly committed_births: number;
  /** Ids that were drawn and never committed. */
  readonly gaps: number;
  /** Transactions whose writer never learnt whether they were committed. */
  readonly unknown_rows: number;
  /** How long an unrelated transaction was held open, at a time. */
  readonly hold_ms: number;
  readonly tailers: readonly TailerResult[];
};

/** Makes a tailer of the source in this database. */
export type MakeTailer = (server: PostgresAccess, database: string) => Tailer | Promise<Tailer>;

/** A backend that was killed may take a moment; a prepared transaction has none. */
async function quiet(server: PostgresAccess, database: string): Promise<void> {
  const open = `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'loss writer%'
    UNION ALL SELECT 1 FROM pg_prepared_xacts WHERE database = $1`;
  while ((await server.query(open, [database])).length > 0) await sleep(20);
}

/** One seed: writers and tailers on a database of their own, and what the tailers made of it. */
export async function runSeed(server: PostgresAccess, options: PlanOptions, makers: readonly MakeTailer[]): Promise<RunResult> {
  const database = await server.freshDatabase('loss');
  await makeSource(server, database);
  const plan = makePlan(options);
  const ledger = new Ledger();
  const killer = new Client(server.connection());
  const tailers: Tailer[] = [];
  const results: TailerResult[] = [];
  let rows: KnownRow[] = [];
  try {
    for (const make of makers) tailers.push(await make(server, database));
    for (const tailer of tailers) await tailer.start();
    await killer.connect();
    const stage = { server, database, ledger, killer, begun_at: performance.now() };
    await Promise.all([
      ...plan.writers.map((transactions, nth) => new Writer(stage, `loss writer ${nth}`).run(transactions)),
      ...plan.holds.map((hold, nth) => holdXid(stage, hold, nth)),
      raid(stage, plan.raids),
    ]);
    await quiet(server, database);
    await Promise.all(tailers.map((tailer) => tailer.drain()));
    rows = ledger.complete(await readTruth(server, database));
    const born = rows.filter((row) => row.change === 'BORN');
    for (const tailer of tailers) {
      const figures = judge(born, await tailer.delivered());
      results.push({ tailer: tailer.name, control: tailer.control, figures, complaints: await tailer.complaints() });
    }
  } finally {
    await killer.end();
    for (const tailer of tailers) await tailer.stop();
    await server.query(`DROP DATABASE "${database}" WITH (FORCE)`);
  }
  return {
    ...options,
    committed_rows: rows.length,
    committed_births: rows.filter((row) => row.change === 'BORN').length,
    gaps: (rows.at(-1)?.id ?? 0) - rows.length,
    unknown_rows: ledger.count('unknown'),
    hold_ms: plan.holds[0]?.ms ?? 0,
    tailers: results,
  };
}
