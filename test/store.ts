import { Client } from 'pg';
import type { PostgresAccess } from './postgres/server.ts';
import { sharedPostgres } from './postgres/shared.ts';
import { type PostgresStore, type StoreSettings, storeOn } from './postgres/store-on.ts';

export type { PostgresStore } from './postgres/store-on.ts';

/** Which database the deployments of this run keep their state in: the project of vitest says. */
export const storeKind = process.env.GOVCTL_TEST_STORE === 'postgres' ? 'postgres' : 'sqlite';

export type StoreOptions = StoreSettings & {
  /** Instead of the server that all files share: one that a test may kill. */
  readonly server?: PostgresAccess;
};

/** A store of a test's own, on the server that all files share unless it names another. */
export async function postgresStore(folder: string, options: StoreOptions = {}): Promise<PostgresStore> {
  return await storeOn(options.server ?? (await sharedPostgres()), folder, options);
}

/** A database that nobody is connected to can be the template of another, and its copy can take its place. */
export async function copyDatabase({ server, database }: PostgresStore): Promise<() => Promise<void>> {
  const copy = `${database}_copy`;
  await server.query(`CREATE DATABASE ${copy} TEMPLATE ${database}`);
  return async () => {
    await server.query(`DROP DATABASE ${database} WITH (FORCE)`);
    await server.query(`CREATE DATABASE ${database} TEMPLATE ${copy}`);
  };
}

async function connected({ server, database }: PostgresStore, schema: string): Promise<Client> {
  const client = new Client(server.connection(database));
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`SET search_path = ${schema}`);
  return client;
}

export async function schemaRows<Row>(store: PostgresStore, schema: string, sql: string): Promise<Row[]> {
  const client = await connected(store, schema);
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** What a stuck migration does: nobody reads or writes a table of governance until it is told to end. */
export async function lockTables(store: PostgresStore): Promise<() => Promise<void>> {
  const client = await connected(store, 'govctl');
  await client.query('BEGIN; LOCK TABLE governance_candidate_state, handoff_cursor, log_head IN ACCESS EXCLUSIVE MODE');
  return async () => {
    await client.query('ROLLBACK');
    await client.end();
  };
}
