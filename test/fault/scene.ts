import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Pool } from 'undici';
import { expect } from 'vitest';
import { type Deployment, deploy, type HttpAnswer } from '../harness.ts';
import { junit, requiredChecks } from '../orders.ts';

/** A daemon with datasets that may be promoted, and a client that keeps its connections. */
export type Scene = {
  readonly at: Deployment;
  readonly datasets: readonly { readonly dataset_id: string; readonly snapshot_id: string }[];
  /** One request, over a connection that may be broken; undefined when no answer came. */
  ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown | Uint8Array): Promise<HttpAnswer | undefined>;
  /** Asks again, with the same bytes, until there is an answer that is not "try again". */
  insist(method: 'POST' | 'PUT', path: string, body: unknown | Uint8Array): Promise<HttpAnswer>;
  remove(): Promise<void>;
};

const contractOf = (dataset: string) => `apiVersion: govctl/v1
kind: Contract
contract_id: ${dataset}
dataset_id: ${dataset}
promotion_types: [raw_to_gdp, gdp_to_kpi]
policy_packs: [gdp-default]
required_checks: [${requiredChecks.join(', ')}]
min_quality_score: 0.95
max_evidence_age: 24h
requires_coverage: false
pending_audit: { owner: data-platform, sla: 24h }
`;

/** One client of a daemon, with connections it keeps. `patience`: how long it waits for an answer, in milliseconds. */
export async function clientOf(
  at: Deployment,
  patience?: number,
): Promise<Pick<Scene, 'ask' | 'insist'> & { readonly end: () => Promise<void> }> {
  const key = (await readFile(join(at.state, 'keys', 'operator.apikey'), 'utf8')).trim();
  const waits = patience === undefined ? {} : { headersTimeout: patience, bodyTimeout: patience };
  const pool = new Pool('http://govd', { socketPath: at.socket, connections: 64, pipelining: 1, ...waits });

  const ask: Scene['ask'] = async (method, path, body) => {
    const raw = body instanceof Uint8Array;
    try {
      const answer = await pool.request({
        method,
        path,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
        },
        body: body === undefined ? null : raw ? body : JSON.stringify(body),
      });
      return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
    } catch {
      return undefined;
    }
  };
  const insist: Scene['insist'] = async (method, path, body) => {
    for (;;) {
      const answer = await ask(method, path, body);
      if (answer !== undefined && ![409, 429, 503].includes(answer.status)) return answer;
      await sleep(answer === undefined ? 50 : 5);
    }
  };
  return { ask, insist, end: () => pool.destroy() };
}

/** A policy set in force, and datasets with a contract and a snapshot whose checks passed. */
export async function promotable(at: Deployment, ask: Scene['ask'], count: number): Promise<Scene['datasets']> {
  const pack = await readFile(join(import.meta.dirname, '../../fixtures/policy/gdp-default.yaml'), 'utf8');
  await at.json(['policy', 'activate', await at.file('gdp-default.yaml', pack)]);
  const datasets: { dataset_id: string; snapshot_id: string }[] = [];
  for (let index = 0; index < count; index += 1) {
    const dataset_id = `orders-${index}`;
    await at.json(['contract', 'apply', '-f', await at.file(`${dataset_id}.yaml`, contractOf(dataset_id))]);
    datasets.push({ dataset_id, snapshot_id: await goodSnapshotOf(at, ask, dataset_id, `${index},100`) });
  }
  return datasets;
}

/** A snapshot of a dataset whose checks passed; other rows are another snapshot. */
export async function goodSnapshotOf(at: Deployment, ask: Scene['ask'], dataset_id: string, rows: string): Promise<string> {
  const file = await at.file(join(`${dataset_id}-${rows}`, 'orders.csv'), `id,total\n${rows}\n`);
  const argv = ['snapshot', 'create', dirname(file), '--dataset', dataset_id, '--layer', 'RAW'];
  const { snapshot_id } = await at.json<{ snapshot_id: string }>(argv);
  const imported = await ask('POST', `/v1/snapshots/${snapshot_id}/quality?kind=junit`, Buffer.from(junit()));
  expect(imported?.status).toBe(200);
  return snapshot_id;
}

export async function scene(options: { readonly datasets?: number } = {}): Promise<Scene> {
  // What is looked at afterwards are the files of SQLite.
  const at = await deploy({ kind: 'sqlite' });
  await at.start();
  const { ask, insist, end } = await clientOf(at);
  return {
    at,
    datasets: await promotable(at, ask, options.datasets ?? 1),
    ask,
    insist,
    async remove() {
      await end();
      await at.remove();
    },
  };
}

export function promotionOf(run_id: string, dataset: { readonly dataset_id: string; readonly snapshot_id: string }) {
  return { run_id, ...dataset, from_layer: 'RAW', to_layer: 'GDP' };
}

/** Reads a database of the state folder while the daemon may run, and lets go of it. */
export function inDatabase<T>(at: Deployment, file: 'govd.db' | 'births.db', read: (database: Database.Database) => T): T {
  const database = new Database(join(at.state, file), { readonly: true });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

type PointerRow = {
  tenant_id: string;
  dataset_id: string;
  layer: string;
  generation: number;
  run_id: string;
  fence: number;
  decision_ref: string;
};

/** What must hold after every fault, read from the files: see "Reliability" in the docs. `acked` are runs somebody was told succeeded. */
export function expectInvariants(at: Deployment, acked: readonly string[]): void {
  inDatabase(at, 'govd.db', (database) => {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    const leaves = database.prepare('SELECT leaf_index FROM record ORDER BY leaf_index').pluck().all();
    expect(leaves).toEqual(leaves.map((_, index) => index));
    expect(database.prepare('SELECT max(size) FROM log_head').pluck().get()).toBe(leaves.length);
    expect(database.prepare('SELECT count(*) FROM record_payload').pluck().get()).toBe(leaves.length);

    const ofRun = database.prepare('SELECT kind, count(*) AS n FROM record WHERE run_id = ? GROUP BY kind ORDER BY kind');
    const pointerOf = database.prepare('SELECT count(*) FROM pointer WHERE run_id = ?').pluck();
    for (const run_id of acked) {
      expect([run_id, ofRun.all(run_id), pointerOf.get(run_id)]).toEqual([
        run_id,
        [
          { kind: 'decision', n: 1 },
          { kind: 'promotion', n: 1 },
          { kind: 'verification-summary', n: 1 },
        ],
        1,
      ]);
    }
    // Whether somebody was told or not: a run is all there or not at all.
    const halfDone = database
      .prepare(
        `SELECT run_id FROM run WHERE status = 'succeeded' AND ((SELECT count(*) FROM record r WHERE r.run_id = run.run_id) <> 3
           OR (SELECT count(*) FROM pointer p WHERE p.run_id = run.run_id) <> 1)
         UNION SELECT run_id FROM pointer WHERE run_id NOT IN (SELECT run_id FROM run WHERE status = 'succeeded')
         UNION SELECT run_id FROM record WHERE run_id IS NOT NULL AND run_id NOT IN (SELECT run_id FROM run)
         UNION SELECT run_id FROM pointer WHERE decision_ref NOT IN (SELECT ref FROM record WHERE kind = 'decision')`,
      )
      .all();
    expect(halfDone).toEqual([]);

    const moves = database.prepare('SELECT * FROM pointer ORDER BY tenant_id, dataset_id, layer, generation').all() as PointerRow[];
    let before: PointerRow | undefined;
    for (const move of moves) {
      const same = before !== undefined && before.dataset_id === move.dataset_id && before.layer === move.layer;
      expect(move.generation).toBe(same ? (before?.generation ?? 0) + 1 : 1);
      if (same) expect(move.fence).toBeGreaterThanOrEqual(before?.fence ?? 0);
      before = move;
    }
    const positions = database.prepare('SELECT first_position, event_count FROM outbox_position ORDER BY first_position').all() as {
      first_position: number;
      event_count: number;
    }[];
    let next = positions[0]?.first_position ?? 1;
    for (const position of positions) {
      expect(position.first_position).toBe(next);
      next += position.event_count;
    }
    expect(database.prepare('SELECT count(*) - count(DISTINCT outbox_id) FROM outbox_position').pluck().get()).toBe(0);
  });
}

/** What the daemon and its own verbs say about it. */
export async function expectClean(at: Deployment): Promise<void> {
  expect(await at.json(['log', 'verify'])).toMatchObject({ verified: true, failures: [] });
  await expect
    .poll(async () => JSON.parse((await at.govctl(['handoff', 'lag', '-o', 'json'])).stdout), { timeout: 60_000, interval: 200 })
    .toMatchObject({ lag_rows: 0, unannounced_rows: 0 });
  // The tail may be in the pause after a round that failed.
  await expect
    .poll(async () => JSON.parse((await at.govctl(['handoff', 'status', '-o', 'json'])).stdout), { timeout: 60_000, interval: 200 })
    .toMatchObject({ coverage: 'ok' });
  expect(await at.json(['reconcile'])).toMatchObject({ clean: true, findings: [] });
}
