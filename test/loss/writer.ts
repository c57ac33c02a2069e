import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { PostgresAccess } from '../postgres/server.ts';
import type { Entry, Fate, Ledger } from './ledger.ts';
import type { Ending, Insert, Step, Transaction } from './plan.ts';
import { source } from './source.ts';

export type Stage = {
  readonly server: PostgresAccess;
  readonly database: string;
  readonly ledger: Ledger;
  /** A superuser's connection that is there already: a kill has to be as fast as a COMMIT. */
  readonly killer: Client;
  /** This process's clock at the begin of the run. */
  readonly begun_at: number;
};

const changes = { birth: 'BORN', change: 'CHANGED', retirement: 'RETIRED' } as const;
const intoChangelog = `INSERT INTO ${source}.registry_changelog (object_key, change, born_at, payload)
  SELECT key, $3, at, payload FROM unnest($1::text[], $2::text[], $4::text[]) AS r(key, at, payload)`;
const intoRegistry = `INSERT INTO ${source}.birth_registry (object_key, object_type, born_at, permit_id, payload)
  SELECT key, 'tables', at, 'bulk', payload FROM unnest($1::text[], $2::text[], $3::text[]) AS r(key, at, payload)`;

/** A connection whose transactions go the way the plan says, its own death included. */
export class Writer {
  readonly #stage: Stage;
  readonly #name: string;
  #client: Client | undefined;
  #pid = 0;
  #prepared: Promise<void>[] = [];

  constructor(stage: Stage, name: string) {
    this.#stage = stage;
    this.#name = name;
  }

  async run(plan: readonly Transaction[]): Promise<void> {
    for (const [nth, transaction] of plan.entries()) {
      const wait = this.#stage.begun_at + transaction.starts_at - performance.now();
      if (wait > 0) await sleep(wait);
      await this.#transaction(transaction, `${this.#name}-${nth}`);
    }
    await Promise.all(this.#prepared);
    await this.#client?.end().catch(() => undefined);
  }

  async #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const client = new Client({ ...this.#stage.server.connection(this.#stage.database), application_name: this.#name });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    this.#pid = rows[0]?.pid ?? 0;
    this.#client = client;
    return client;
  }

  async #transaction({ steps, ending, prepared_ms }: Transaction, name: string): Promise<void> {
    const fate: Fate = { outcome: 'open', acknowledged_at: 0 };
    const client = await this.#connected();
    const killed = ending.startsWith('kill');
    try {
      await client.query('BEGIN');
      for (const step of steps) await this.#step(client, step, fate);
      await this.#end(client, ending, fate, name, prepared_ms);
    } catch (error) {
      if (!killed) throw new Error(`${name} failed, and nobody killed it`, { cause: error });
      // The server tells nobody whether a COMMIT was done before; the table does.
      fate.outcome = ending === 'kill-commit' ? 'unknown' : 'rolled back';
    }
    // Also when it answered: it dies a moment later.
    if (killed) this.#client = undefined;
    if (killed) await client.end().catch(() => undefined);
  }

  async #step(client: Client, step: Step, fate: Fate): Promise<Entry[]> {
    if (step.kind === 'pause') {
      await sleep(step.ms);
      return [];
    }
    if (step.kind !== 'savepoint') return await this.#insert(client, step, fate);
    await client.query('SAVEPOINT s');
    const written: Entry[] = [];
    for (const inner of step.steps) written.push(...(await this.#step(client, inner, fate)));
    await client.query(step.keep ? 'RELEASE SAVEPOINT s' : 'ROLLBACK TO SAVEPOINT s');
    for (const entry of written) entry.undone = !step.keep;
    return written;
  }

  async #insert(client: Client, { kind, keys, delay_ms, changelog_first, shared }: Insert, fate: Fate): Promise<Entry[]> {
    if (shared && kind === 'birth') await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [keys[0]]);
    const { ledger } = this.#stage;
    const entries = keys.map((key) => ledger.begin(key, ledger.moment(), fate));
    const moments = entries.map(({ born_at }) => born_at);
    const payloads = (delay: number) => keys.map((_, n) => (n === 0 && delay > 0 ? JSON.stringify({ delay_ms: delay }) : null));
    const toChangelog = () => client.query(intoChangelog, [keys, moments, changes[kind], payloads(delay_ms)]);
    const toRegistry = () => client.query(intoRegistry, [keys, moments, payloads(changelog_first ? 0 : delay_ms / 2)]);
    if (changelog_first) await toChangelog();
    if (kind === 'birth') await toRegistry();
    if (!changelog_first) await toChangelog();
    return entries;
  }

  async #end(client: Client, ending: Ending, fate: Fate, name: string, preparedMs: number): Promise<void> {
    if (ending === 'kill-statement') await Promise.all([client.query('SELECT pg_sleep(10)'), this.#kill()]);
    if (ending === 'kill-idle') await this.#kill();
    if (ending === 'rollback' || ending === 'kill-idle') {
      await client.query('ROLLBACK');
      fate.outcome = 'rolled back';
    } else if (ending === 'prepare' || ending === 'prepare-rollback') {
      await client.query(`PREPARE TRANSACTION '${name}'`);
      const finished = this.#finish(name, ending === 'prepare', preparedMs, fate);
      finished.catch(() => undefined); // told when the writer ends
      this.#prepared.push(finished);
    } else {
      // Sent at the same time; which of them wins is different each time.
      await Promise.all([...(ending === 'kill-commit' ? [this.#kill()] : []), client.query('COMMIT')]);
      fate.acknowledged_at = performance.now();
      fate.outcome = 'committed';
    }
  }

  /** On another connection, as a transaction manager does that comes back later. */
  async #finish(name: string, commit: boolean, preparedMs: number, fate: Fate): Promise<void> {
    await sleep(preparedMs);
    const { server, database } = this.#stage;
    await server.query(`${commit ? 'COMMIT' : 'ROLLBACK'} PREPARED '${name}'`, [], database);
    fate.acknowledged_at = performance.now();
    fate.outcome = commit ? 'committed' : 'rolled back';
  }

  async #kill(): Promise<void> {
    await this.#stage.killer.query('SELECT pg_terminate_backend($1)', [this.#pid]);
  }
}
