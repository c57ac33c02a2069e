import { Logger, run as runGraphile } from 'graphile-worker';
import { Pool } from 'pg';
import { PgBoss } from 'pg-boss';
import type { PostgresBed } from './postgres-bed.ts';
import { bornRow, changedRow } from './postgres-script.ts';
import { timed } from './spread.ts';

type Line = { readonly id: number; readonly object_key: string; readonly change: string; readonly born_at: string };
/** Seconds: writing the jobs in bulk, and working them off. */
export type QueueDrain = { readonly enqueue: number; readonly work: number };

const logger = new Logger(() => () => undefined);
const batch = 500;
const queue = 'birth';
const workers = 8;

/** Effects of a batch of jobs in one statement, set by set: what a handler that takes batches would do. */
const batchEffects = `WITH l AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS l(id bigint, object_key text, change text, born_at text)),
  e AS (INSERT INTO event_pending (event_type, object_key, born_at, captured_at)
    SELECT 'handoff.object_born', object_key, born_at, $2 FROM l WHERE change = 'BORN' ORDER BY object_key, born_at ON CONFLICT DO NOTHING),
  f AS (SELECT object_key, max(born_at) FILTER (WHERE change = 'BORN') AS born_at, max(born_at) FILTER (WHERE change = 'RETIRED') AS retired_at,
      coalesce(max(id) FILTER (WHERE change <> 'BORN'), 0) AS changelog_id FROM l GROUP BY object_key)
  INSERT INTO governance_candidate_state AS c (object_key, object_type, type_born_at, state, dirty, born_at, retired_at, changelog_id, first_seen_at, last_seen_at)
  SELECT f.object_key, b.object_type, b.born_at, 'captured', 1, f.born_at, f.retired_at, f.changelog_id, $2, $2
  FROM f LEFT JOIN birth_registry b ON b.object_key = f.object_key AND b.born_at = f.born_at ORDER BY f.object_key
  ON CONFLICT (object_key) DO UPDATE SET object_type = coalesce(excluded.object_type, c.object_type), dirty = 1,
    type_born_at = coalesce(excluded.type_born_at, c.type_born_at), born_at = greatest(c.born_at, excluded.born_at),
    retired_at = greatest(c.retired_at, excluded.retired_at), changelog_id = greatest(c.changelog_id, excluded.changelog_id),
    last_seen_at = excluded.last_seen_at`;

async function sample(bed: PostgresBed, rows: number): Promise<Line[]> {
  const { rows: lines } = await bed.client.query<Line>(
    'SELECT id::int, object_key, change, born_at FROM registry_changelog ORDER BY id LIMIT $1',
    [rows],
  );
  return lines;
}

function poolOf({ server, database }: PostgresBed, max: number): Pool {
  const { socketFolder: host, port, password, superuser: user } = server;
  const pool = new Pool({ host, port, password, user, database, max, options: '-c search_path=govctl,births' });
  // What is lost is told by the query that was under way.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

async function openBoss(bed: PostgresBed): Promise<{ readonly boss: PgBoss; close(): Promise<void> }> {
  const { socketFolder: host, port, password, superuser: user } = bed.server;
  const boss = new PgBoss({ host, port, password, user, database: bed.database, schedule: false });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue(queue);
  return { boss, close: () => boss.stop({ graceful: false, close: true }) };
}

/** Jobs fetched 500 at a time and completed in the transaction of their effects, as pg-boss offers it: each once, and durable. */
export async function drainByBoss(bed: PostgresBed, rows: number): Promise<QueueDrain> {
  const lines = await sample(bed, rows);
  const { boss, close } = await openBoss(bed);
  const { client } = bed;
  const db = { executeSql: async (text: string, values?: unknown[]) => await client.query(text, values) };
  try {
    const enqueue = await timed(async () => {
      for (let at = 0; at < lines.length; at += 5000) {
        await boss.insert(
          queue,
          lines.slice(at, at + 5000).map((data) => ({ data })),
        );
      }
    });
    await client.query('VACUUM ANALYZE');
    const work = await timed(async () => {
      for (let done = 0; done < rows; ) {
        const jobs = await boss.fetch<Line>(queue, { batchSize: batch });
        if (jobs.length === 0) throw new Error(`pg-boss had ${done} of ${rows} jobs`);
        await client.query('BEGIN');
        const values = [JSON.stringify(jobs.map(({ data }) => data)), new Date().toISOString()];
        await client.query({ name: 'effects', text: batchEffects, values });
        await boss.complete(
          queue,
          jobs.map(({ id }) => id),
          null,
          { db },
        );
        await client.query('COMMIT');
        done += jobs.length;
      }
    });
    return { enqueue, work };
  } finally {
    await close();
  }
}

/** A job is a task that runs alone; a local queue of 500 and completions gathered, as its documentation advises for throughput. */
export async function drainByGraphile(bed: PostgresBed, rows: number): Promise<QueueDrain> {
  const lines = await sample(bed, rows);
  const pool = poolOf(bed, workers + 4);
  let done = 0;
  const { promise: finished, resolve } = Promise.withResolvers<void>();
  const birth = async (payload: unknown) => {
    const { id, object_key, change, born_at } = payload as Line;
    const at = new Date().toISOString();
    if (change === 'BORN') await pool.query({ name: 'born', text: bornRow, values: [object_key, born_at, at] });
    else await pool.query({ name: 'changed', text: changedRow, values: [object_key, change === 'RETIRED' ? born_at : null, at, id] });
    done += 1;
    if (done === rows) resolve();
  };
  const preset = {
    worker: {
      concurrentJobs: workers,
      pollInterval: 500,
      localQueue: { size: batch },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  };
  const start = (tasks: Readonly<Record<string, (payload: unknown) => Promise<void>>>) =>
    runGraphile({ pgPool: pool, preset, taskList: tasks, noHandleSignals: true, logger });
  try {
    // Its tables, with nobody who works yet.
    const installer = await start({ other: async () => undefined });
    await installer.stop();
    const enqueue = await timed(() =>
      pool.query(
        `SELECT count(*) FROM graphile_worker.add_jobs((SELECT array_agg(json_populate_record(NULL::graphile_worker.job_spec,
           json_build_object('identifier', 'birth', 'payload', json_build_object('id', id, 'object_key', object_key, 'change', change, 'born_at', born_at))))
           FROM (SELECT * FROM registry_changelog ORDER BY id LIMIT $1) AS l))`,
        [lines.length],
      ),
    );
    await bed.client.query('VACUUM ANALYZE');
    const work = await timed(async () => {
      const runner = await start({ birth });
      await finished;
      await runner.stop();
    });
    return { enqueue, work };
  } finally {
    await pool.end();
  }
}

const birthRow = `WITH r AS (INSERT INTO birth_registry (object_key, object_type, born_at, permit_id) VALUES ($1, 'tables', $2, 'bench'))
  INSERT INTO registry_changelog (object_key, change, born_at) VALUES ($1, 'BORN', $2)`;

/** Births a second of one producer, each in a durable transaction of its own: alone, and with the job that a queue needs of it. */
export async function producerRates(
  bed: PostgresBed,
  births: number,
  rounds: number,
): Promise<Record<'alone' | 'boss' | 'graphile', number[]>> {
  const { client } = bed;
  const { boss, close } = await openBoss(bed);
  const pool = poolOf(bed, 4);
  const installer = await runGraphile({ pgPool: pool, taskList: { other: async () => undefined }, noHandleSignals: true, logger });
  await installer.stop();
  const db = { executeSql: async (text: string, values?: unknown[]) => await client.query(text, values) };
  const jobs = {
    alone: async () => undefined,
    boss: async (data: object) => void (await boss.send(queue, data, { db })),
    graphile: async (data: object) =>
      void (await client.query({ name: 'add', text: `SELECT graphile_worker.add_job('birth', $1)`, values: [JSON.stringify(data)] })),
  };
  const rates: Record<keyof typeof jobs, number[]> = { alone: [], boss: [], graphile: [] };
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of ['alone', 'boss', 'graphile'] as const) {
        const seconds = await timed(async () => {
          for (let at = 0; at < births; at += 1) {
            const object_key = `${kind}:${round}:${at}`;
            const born_at = `${new Date().toISOString().slice(0, 23)}000Z`;
            await client.query('BEGIN');
            await client.query({ name: 'birth', text: birthRow, values: [object_key, born_at] });
            await jobs[kind]({ object_key, born_at, change: 'BORN' });
            await client.query('COMMIT');
          }
        });
        rates[kind].push(births / seconds);
      }
    }
    return rates;
  } finally {
    await close();
    await pool.end();
  }
}
