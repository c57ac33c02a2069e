import { Client } from 'pg';
import { startPostgres } from '../../../../test/postgres/server.ts';

/** A PostgreSQL server of a test file's own: prepared transactions are allowed there, and backends are ended at will. */
export type TestServer = {
  /** Folder of the socket, as `host`. */
  readonly host: string;
  readonly port: number;
  /** The superuser. */
  readonly user: string;
  /** Of every role on it. */
  readonly password: string;
  connect(database: string, user?: string): Promise<Client>;
  stop(): Promise<void>;
};

export async function startTestServer(): Promise<TestServer> {
  const server = await startPostgres({ settings: { max_prepared_transactions: 10, max_connections: 60, shared_buffers: '64MB' } });
  const { socketFolder: host, port, superuser: user, password } = server;
  return {
    host,
    port,
    user,
    password,
    async connect(database, as = user) {
      const client = new Client({ host, port, user: as, password, database });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    stop: () => server.remove(),
  };
}
