import { Problem } from '@govctl/core/api';
import { Pool, type PoolClient } from 'pg';
import type { Database } from '../database.ts';
import { type Query, type QueryRows, textFor } from '../query.ts';
import { clientConfig, examine } from './connect.ts';
import { isConnectionLost, isSilent, unreachable } from './failure.ts';
import { runOn } from './session.ts';
import type { PostgresSettings } from './settings.ts';

/**
 * The read port over a pool. Several queries of one call are one REPEATABLE READ READ ONLY transaction; one query is one snapshot
 * anyway.
 */
export class PostgresReader implements Database {
  readonly #pool: Pool;

  constructor(settings: PostgresSettings, connections: number) {
    this.#pool = new Pool({
      ...clientConfig(settings, { purpose: 'read', mode: 'read', pipeline: true }),
      max: connections,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
      verify: (client, done) => void examine(client, 'read').then(() => done(), done),
    });
    // A connection that breaks in the pool is taken out of it, and that is all.
    this.#pool.on('error', () => undefined);
    // The pool listens only while a connection lies in it. One that the server ends between two statements of whoever borrowed it would
    // end the process; that it is gone is for the next statement to tell.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async read<const Q extends readonly Query<unknown>[]>(queries: Q): Promise<QueryRows<Q>> {
    try {
      return await this.#once(queries);
    } catch (error) {
      if (!isConnectionLost(error) || isSilent(error)) throw unreachable(error);
    }
    // A connection of the pool may have died long ago, and a read can be asked twice.
    try {
      return await this.#once(queries);
    } catch (error) {
      throw unreachable(error);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #once<const Q extends readonly Query<unknown>[]>(queries: Q): Promise<QueryRows<Q>> {
    const client = await this.#borrow();
    let broken: Error | undefined;
    try {
      const results =
        queries.length === 1 ? await Promise.all(queries.map((query) => rowsOf(client, query))) : await inSnapshot(client, queries);
      return results as unknown as QueryRows<Q>;
    } catch (error) {
      broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #borrow(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      const { totalCount, idleCount, waitingCount } = this.#pool;
      const exhausted = error instanceof Error && /timeout exceeded/.test(error.message) && totalCount > 0 && idleCount === 0;
      if (!exhausted) throw error;
      throw new Problem('unavailable', {
        detail: `all ${totalCount} connections for reading are in use, and ${waitingCount} requests wait for one`,
        hint: 'ask again; if it stays: store.postgres.connections in govd.yaml',
        cause: error,
      });
    }
  }
}

function rowsOf(client: PoolClient, query: Query<unknown>): Promise<readonly unknown[]> {
  return runOn(client, textFor('postgres', query.sql), query.params).then(({ rows }) => rows);
}

/** All of them are sent at once: a server across a network is waited for once. */
async function inSnapshot(client: PoolClient, queries: readonly Query<unknown>[]): Promise<(readonly unknown[])[]> {
  const begun = client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const asked = queries.map((query) => rowsOf(client, query));
  const ended = client.query('COMMIT');
  // Every answer is waited for: a connection goes back to the pool with nothing under way. The first failure is what the others fail from.
  const settled = await Promise.allSettled([begun, ...asked, ended]);
  for (const answer of settled) if (answer.status === 'rejected') throw answer.reason;
  return await Promise.all(asked);
}
