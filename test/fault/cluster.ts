import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Deployment, deploy, deployHost, type HttpAnswer } from '../harness.ts';
import { checkLinearizable, type Operation, violationText } from '../linearizable.ts';
import type { PostgresStore, StoreOptions } from '../store.ts';
import { clientOf, goodSnapshotOf, promotable, promotionOf, type Scene } from './scene.ts';

export type Host = Pick<Scene, 'ask'> & {
  readonly at: Deployment;
  /** Its daemon, as it was started last. */
  daemon: ChildProcess;
};

type Promotable = { readonly dataset_id: string; readonly snapshots: readonly string[] };

/** Hosts of one deployment on PostgreSQL, and datasets with several snapshots each. */
export type Cluster = {
  readonly hosts: readonly [Host, ...Host[]];
  readonly store: PostgresStore;
  readonly datasets: readonly Promotable[];
  remove(): Promise<void>;
};

export type ClusterOptions = StoreOptions & {
  readonly hosts: number;
  readonly datasets: number;
  /** How long a client waits for an answer, in milliseconds; a stopped host gives none. */
  readonly patience?: number;
  /** Environment of the daemon of every other host. */
  readonly env?: (index: number) => Readonly<Record<string, string>>;
};

export async function cluster(options: ClusterOptions): Promise<Cluster> {
  const first = await deploy({ ...options, kind: 'postgres' });
  const ends: (() => Promise<void>)[] = [];
  const open = async (at: Deployment): Promise<Host> => {
    ends.unshift(() => at.remove());
    const daemon = await at.start();
    const { ask, end } = await clientOf(at, options.patience ?? 5000);
    ends.unshift(end);
    return { at, ask, daemon };
  };
  const host = await open(first);
  const hosts: [Host, ...Host[]] = [host];
  for (let index = 1; index < options.hosts; index += 1) hosts.push(await open(await deployHost(first, options.env?.(index))));
  const datasets: Promotable[] = [];
  for (const [index, { dataset_id, snapshot_id }] of (await promotable(first, host.ask, options.datasets)).entries())
    datasets.push({ dataset_id, snapshots: [snapshot_id, await goodSnapshotOf(first, host.ask, dataset_id, `${index},200`)] });
  const { postgres: store } = first;
  if (store === undefined) throw new Error('this deployment is not on PostgreSQL');
  const permit = { permit_kind: 'bulk', permit_id: 'bulk', reason: 'fault test' };
  expect((await host.ask('POST', '/v1/births/permits', permit))?.status).toBe(201);
  return {
    hosts,
    store,
    datasets,
    async remove() {
      for (const end of ends) await end();
    },
  };
}

type Acked = { readonly body: string; readonly request: ReturnType<typeof promotionOf> };

/** What clients of a cluster were told while it was disturbed. */
export class Load {
  readonly acked = new Map<string, Acked>();
  readonly born = new Set<string>();
  readonly history: Operation[] = [];
  /** Answers that are no success, by status and code. */
  readonly refusals = new Map<string, number>();
  readonly #on: Cluster;
  readonly #name: string;
  readonly #running: Promise<void>[] = [];
  #over = false;
  #births = 0;

  /** `name` makes runs and births of several loads on one cluster different. */
  constructor(on: Cluster, name: string) {
    this.#on = on;
    this.#name = name;
  }

  /** Until `end`: clients that promote, some of them the same run through two hosts at once, clients that read, and births. */
  async start(clients: number): Promise<void> {
    await this.#remember();
    for (let client = 0; client < clients; client += 1) {
      this.#running.push(this.#until((nth) => this.#promote(client, nth)));
      if (client % 4 === 0) this.#running.push(this.#until(() => this.#read(client)));
    }
    for (const host of this.#on.hosts) this.#running.push(this.#until(() => this.#bear(host)));
  }

  /** What was moved before, as the begin of the history. */
  async #remember(): Promise<void> {
    type Moved = { register: string; generation: number; snapshot: string };
    const moved = await this.#on.store.query<Moved>(
      "SELECT dataset_id || ' ' || layer AS register, generation::int, snapshot_id AS snapshot FROM govctl.pointer ORDER BY generation",
    );
    const at = performance.now();
    for (const { register, generation, snapshot } of moved) {
      const move = { kind: 'move', expected: generation - 1, snapshot, outcome: 'ok' } as const;
      this.history.push({ client: 'before', register, invoked_at: at, returned_at: at, ...move });
    }
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#running.splice(0));
  }

  async #until(work: (nth: number) => Promise<void>): Promise<void> {
    for (let nth = 0; !this.#over; nth += 1) await work(nth);
  }

  #anyHost(): Host {
    const { hosts } = this.#on;
    return hosts[Math.floor(Math.random() * hosts.length)] ?? hosts[0];
  }

  /** An answer that counts: not "try again", which is the only other one there may be. */
  #counts(answer: HttpAnswer | undefined): answer is HttpAnswer {
    if (answer === undefined || answer.status < 300) return answer !== undefined;
    const { code, detail } = JSON.parse(answer.body) as { code: string; detail?: string };
    this.refusals.set(`${answer.status} ${code}`, (this.refusals.get(`${answer.status} ${code}`) ?? 0) + 1);
    expect([409, 503], answer.body).toContain(answer.status);
    expect(detail, answer.body).toBeTruthy();
    return false;
  }

  /** Asks hosts until one of them answers. After the end too: whoever was not answered does not know. */
  async #insist(path: string, body: unknown, first: Host = this.#anyHost()): Promise<HttpAnswer> {
    for (let host = first; ; host = this.#anyHost()) {
      const answer = await host.ask('POST', path, body);
      if (this.#counts(answer)) return answer;
      await sleep(answer === undefined ? 50 : 20);
    }
  }

  async #promote(client: number, nth: number): Promise<void> {
    const { datasets } = this.#on;
    const dataset = datasets[(client + nth) % datasets.length];
    const snapshot_id = dataset?.snapshots[(client + nth) % dataset.snapshots.length];
    if (dataset === undefined || snapshot_id === undefined) throw new Error('no dataset');
    const run_id = `${this.#name}-${client}-${nth}`;
    const request = promotionOf(run_id, { dataset_id: dataset.dataset_id, snapshot_id });
    const invoked_at = performance.now();
    const twice = nth % 3 === 0;
    const answers = await Promise.all((twice ? [0, 1] : [0]).map(() => this.#insist('/v1/promotions', request)));
    const returned_at = performance.now();
    const [body = '', other = body] = answers.map((answer) => answer.body);
    expect(other).toBe(body);
    const told = JSON.parse(body) as { run_id: string; status: string; active: { generation: number } };
    expect(told, body).toMatchObject({ run_id, status: 'succeeded' });
    this.acked.set(run_id, { body, request });
    this.history.push({
      client: `client ${client}`,
      register: `${dataset.dataset_id} GDP`,
      invoked_at,
      returned_at,
      kind: 'move',
      expected: told.active.generation - 1,
      snapshot: snapshot_id,
      outcome: 'ok',
    });
  }

  async #read(client: number): Promise<void> {
    const { datasets } = this.#on;
    const dataset = datasets[Math.floor(Math.random() * datasets.length)];
    const invoked_at = performance.now();
    const answer = await this.#anyHost().ask('GET', `/v1/datasets/${dataset?.dataset_id ?? ''}/active?layer=GDP`);
    const returned_at = performance.now();
    await sleep(5);
    // A dataset that was never moved is not there yet.
    const nothing = answer?.status === 404;
    if (!nothing && !this.#counts(answer)) return;
    const { layers } = nothing
      ? { layers: [] }
      : (JSON.parse(answer?.body ?? '') as { layers: { generation: number; snapshot_id: string }[] });
    const { generation, snapshot_id } = layers[0] ?? { generation: 0, snapshot_id: null };
    const register = `${dataset?.dataset_id ?? ''} GDP`;
    this.history.push({ client: `reader ${client}`, register, invoked_at, returned_at, kind: 'read', generation, snapshot: snapshot_id });
  }

  async #bear(host: Host): Promise<void> {
    const lines = Array.from({ length: 20 }, () => {
      this.#births += 1;
      const micro = String(this.#births).padStart(6, '0');
      return {
        change: 'BORN',
        object_key: `${this.#name}/t${this.#births % 997}`,
        object_type: 'table',
        born_at: `2026-11-20T10:00:00.${micro}Z`,
      };
    });
    await this.#insist('/v1/births', { lines, permit_id: 'bulk' }, host);
    for (const { object_key, born_at } of lines) this.born.add(`${object_key} ${born_at}`);
    await sleep(20);
  }
}

const g = 'govctl';

/** What must hold after every fault, read from the tables: `acked` are runs somebody was told succeeded. */
export async function expectInvariantsOf(store: PostgresStore, acked: ReadonlyMap<string, Acked>): Promise<void> {
  const one = async (sql: string) => (await store.query(sql))[0];
  expect(
    await one(
      `SELECT count(*)::int AS leaves, max(leaf_index)::int + 1 AS next, (SELECT max(size)::int FROM ${g}.log_head) AS head,
         (SELECT count(*)::int FROM ${g}.record_payload) AS payloads FROM ${g}.record`,
    ).then((row) => new Set(Object.values(row ?? {})).size),
  ).toBe(1);
  const rows = await store.query<{ run_id: string; records: string; generation: number }>(
    `SELECT r.run_id, (SELECT string_agg(kind, ' ' ORDER BY kind) FROM ${g}.record e WHERE e.run_id = r.run_id) AS records,
       (SELECT string_agg(generation::text, ' ') FROM ${g}.pointer p WHERE p.run_id = r.run_id)::int AS generation
     FROM ${g}.run r WHERE status = 'succeeded'`,
  );
  const found = new Map(rows.map((row) => [row.run_id, row]));
  for (const [run_id, { body }] of acked) {
    const { generation } = (JSON.parse(body) as { active: { generation: number } }).active;
    expect(found.get(run_id)).toEqual({ run_id, records: 'decision promotion verification-summary', generation });
  }
  // Whether somebody was told or not: a run is all there or not at all, and moves and positions have no gaps.
  expect(
    await store.query(
      `SELECT run_id FROM ${g}.run WHERE status = 'succeeded' AND ((SELECT count(*) FROM ${g}.record r WHERE r.run_id = run.run_id) <> 3
         OR (SELECT count(*) FROM ${g}.pointer p WHERE p.run_id = run.run_id) <> 1)
       UNION ALL SELECT run_id FROM ${g}.pointer WHERE run_id NOT IN (SELECT run_id FROM ${g}.run WHERE status = 'succeeded')
       UNION ALL SELECT run_id FROM ${g}.record WHERE run_id IS NOT NULL AND run_id NOT IN (SELECT run_id FROM ${g}.run)
       UNION ALL SELECT dataset_id FROM ${g}.pointer GROUP BY tenant_id, dataset_id, layer HAVING max(generation) <> count(*)
       UNION ALL SELECT 'position ' || first_position FROM (SELECT first_position, lag(first_position + event_count)
         OVER (ORDER BY first_position) AS expected FROM ${g}.outbox_position) AS p WHERE first_position <> expected
       UNION ALL SELECT 'row ' || outbox_id FROM ${g}.outbox_position GROUP BY outbox_id HAVING count(*) > 1`,
    ),
  ).toEqual([]);
}

/** Births that were acknowledged, each there once, with its candidate and its event. Once nothing lags behind. */
export async function expectBirths(store: PostgresStore, born: ReadonlySet<string>): Promise<void> {
  const kept = await store.query<{ name: string }>("SELECT object_key || ' ' || born_at AS name FROM births.birth_registry");
  const names = new Set(kept.map(({ name }) => name));
  expect(names.size).toBe(kept.length);
  expect(born.difference(names)).toEqual(new Set());
  const [counts] = await store.query(
    `SELECT (SELECT count(DISTINCT object_key)::int FROM births.birth_registry) AS objects,
       (SELECT count(*)::int FROM ${g}.governance_candidate_state) AS candidates,
       (SELECT count(*)::int FROM ${g}.event_pending) + (SELECT count(*)::int FROM ${g}.handoff_emitted) AS announced`,
  );
  expect(counts).toEqual({ objects: counts?.objects, candidates: counts?.objects, announced: kept.length });
}

/** No daemon has ended by itself, or has said that it met a bug. */
export async function expectAlive(hosts: readonly Host[]): Promise<void> {
  for (const { at, daemon } of hosts) {
    const log = await at.log();
    expect([daemon.exitCode, daemon.signalCode], log.slice(-4000)).toEqual([null, null]);
    expect(log.split('\n').filter((line) => line.includes('govd met a bug'))).toEqual([]);
  }
}

export function expectLinear(history: readonly Operation[]): void {
  const verdict = checkLinearizable(history);
  expect(verdict.linearizable ? '' : violationText(verdict.violation)).toBe('');
}
