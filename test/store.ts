import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { PostgresAccess } from './postgres/server.ts';
import { sharedPostgres } from './postgres/shared.ts';

/** Which database the deployments of this run keep their state in: the project of vitest says. */
export const storeKind = process.env.GOVCTL_TEST_STORE === 'postgres' ? 'postgres' : 'sqlite';

export type PostgresStore = {
  readonly server: PostgresAccess;
  readonly database: string;
  readonly owner: string;
  readonly daemon: string;
  /** File with a govd.yaml that names this store. */
  readonly config: string;
  /** As superuser. */
  query<Row extends Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
};

export type StoreOptions = {
  /** Instead of the server that all files share: one that a test may kill. */
  readonly server?: PostgresAccess;
  /** Where the daemon reaches it; a proxy, for example. */
  readonly port?: number;
  /** More of govd.yaml. */
  readonly yaml?: string;
};

/**
 * A database with an owner and a daemon's role, as an administrator would make it; passwords lie in files. The second
 * place is that of the first host, for all of them.
 */
export async function postgresStore(folder: string, options: StoreOptions = {}): Promise<PostgresStore> {
  const server = options.server ?? (await sharedPostgres());
  const database = await server.freshDatabase('e2e');
  const role = async (kind: string) => {
    const name = `${kind}_${randomBytes(6).toString('hex')}`;
    const password = randomBytes(12).toString('hex');
    await server.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
    await writeFile(join(folder, `${kind}.password`), `${password}\n`, { mode: 0o600 });
    return name;
  };
  const [owner, daemon] = [await role('owner'), await role('govd')];
  await server.query(`GRANT CREATE ON DATABASE ${database} TO ${owner}`);
  const config = join(folder, 'init.yaml');
  await writeFile(
    config,
    `apiVersion: govctl/v1
kind: GovdConfig
environment: local_parity
log: { origin: govctl.local/log, second_place: ${join(folder, 'state', 'checkpoint')} }
store:
  postgres:
    host: ${options.port === undefined ? server.socketFolder : '127.0.0.1'}
    port: ${options.port ?? server.port}
    database: ${database}
    user: ${daemon}
    password_file: ${join(folder, 'govd.password')}
    owner: { user: ${owner}, password_file: ${join(folder, 'owner.password')} }
${options.yaml ?? ''}`,
  );
  return { server, database, owner, daemon, config, query: (sql, params) => server.query(sql, params, database) };
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
