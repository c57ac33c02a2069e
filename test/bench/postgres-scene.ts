import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { PostgresServer } from '../postgres/server.ts';
import { storeOn } from '../postgres/store-on.ts';
import { initState } from './daemon.ts';
import type { Lab } from './measurement.ts';
import { connectBench } from './postgres-bed.ts';

/** A deployment on PostgreSQL: `govd init` was done, and no daemon runs. */
export type PostgresScene = { readonly state: string; readonly database: string; readonly connect: () => Promise<Client> };

export async function postgresScene(lab: Lab, server: PostgresServer): Promise<PostgresScene> {
  const folder = mkdtempSync(join(lab.folder, 'store-'));
  // The second place that all hosts share.
  mkdirSync(join(folder, 'state'));
  const { config, database } = await storeOn(server, folder);
  const state = await initState(lab, config);
  return { state, database, connect: () => connectBench(server, database) };
}

/** The state folder of another host of the same deployment. */
export function anotherHost(lab: Lab, first: string): string {
  const state = join(mkdtempSync(join(lab.folder, 'host-')), 's');
  mkdirSync(state, { mode: 0o700 });
  for (const name of ['keys', 'trust.json', 'govd.yaml']) cpSync(join(first, name), join(state, name), { recursive: true });
  writeFileSync(join(state, 'govctl.yaml'), readFileSync(join(first, 'govctl.yaml'), 'utf8').replaceAll(first, state), { mode: 0o600 });
  return state;
}

/** Births as software that owns them writes: both tables in one durable transaction, over a connection of its own. */
const birth = `WITH k AS (SELECT $1 || ':' || n AS object_key, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS born_at
    FROM generate_series(1, $2::int) AS n),
  r AS (INSERT INTO births.birth_registry (object_key, object_type, born_at, permit_id) SELECT object_key, 'tables', born_at, 'bench' FROM k)
  INSERT INTO births.registry_changelog (object_key, change, born_at) SELECT object_key, 'BORN', born_at FROM k`;

export async function giveBirth(client: Client, key: string, births: number): Promise<void> {
  await client.query({ name: 'birth', text: birth, values: [key, births] });
}

export type Schedule = { readonly rate: number; readonly perTransaction: number; readonly seconds: number };

/**
 * Births on a fixed schedule: a transaction that is late delays none of those after it, as long as connections are free. Answers when
 * each transaction was due, by its key; `took` is told how long each needed.
 */
export async function birthsOnSchedule(
  clients: readonly Client[],
  run: string,
  schedule: Schedule,
  took: (ms: number) => void = () => undefined,
): Promise<Map<string, number>> {
  const { rate, perTransaction, seconds } = schedule;
  const everyMs = (1000 * perTransaction) / rate;
  const due = new Map<string, number>();
  const free = [...clients];
  const queue: string[] = [];
  const open = new Set<Promise<void>>();
  const next = () => {
    const [client, key] = [free.at(-1), queue[0]];
    if (client === undefined || key === undefined) return;
    free.pop();
    queue.shift();
    const before = performance.now();
    const work = giveBirth(client, key, perTransaction).then(() => {
      took(performance.now() - before);
      free.push(client);
      open.delete(work);
      next();
    });
    open.add(work);
  };
  const started = performance.now();
  for (let at = 0; at * everyMs < seconds * 1000; at += 1) {
    const moment = started + at * everyMs;
    const wait = moment - performance.now();
    if (wait > 0) await sleep(wait);
    const key = `${run}:${at}`;
    due.set(key, performance.timeOrigin + moment);
    queue.push(key);
    next();
  }
  while (open.size > 0 || queue.length > 0) await Promise.race(open);
  return due;
}

type Landed = { readonly object_key: string; readonly born: number; readonly landed: number };

/** When each birth was committed, and when its candidate and event were, in milliseconds by the server's clock. */
export async function landings(client: Client, run: string): Promise<Landed[]> {
  const { rows } = await client.query<Landed>(
    `SELECT r.object_key, (extract(epoch FROM pg_xact_commit_timestamp(r.xmin)) * 1000)::float8 AS born,
       (extract(epoch FROM pg_xact_commit_timestamp(e.xmin)) * 1000)::float8 AS landed
     FROM births.birth_registry r JOIN event_pending e ON e.event_type = 'handoff.object_born' AND e.object_key = r.object_key AND e.born_at = r.born_at
       JOIN governance_candidate_state c ON c.object_key = r.object_key
     WHERE r.object_key LIKE $1`,
    [`${run}:%`],
  );
  return rows;
}

/** Waits until every birth of the run has its candidate. */
export async function untilLanded(client: Client, run: string, patienceMs = 60_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const { rows } = await client.query<{ missing: number }>(
      `SELECT count(*)::int AS missing FROM births.birth_registry r WHERE object_key LIKE $1
       AND NOT EXISTS (SELECT 1 FROM governance_candidate_state c WHERE c.object_key = r.object_key)`,
      [`${run}:%`],
    );
    if (rows[0]?.missing === 0) return;
    if (performance.now() > deadline) throw new Error(`${rows[0]?.missing} births of ${run} became no candidates`);
    await sleep(100);
  }
}
