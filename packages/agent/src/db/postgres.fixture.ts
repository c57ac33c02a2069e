import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresAccess } from '../../../../test/postgres/server.ts';
import { sharedPostgres } from '../../../../test/postgres/shared.ts';
import { postgresMigrations } from './migrations.ts';
import { connectPostgres, grantDaemon, migratePostgres, PostgresSession, type PostgresSettings, quoted } from './postgres/index.ts';

export type TestDatabase = {
  readonly server: PostgresAccess;
  readonly name: string;
  /** The daemon's role: cannot change the log. */
  readonly daemon: PostgresSettings;
  /** The owner of the tables. */
  readonly owner: PostgresSettings;
  /** A session of the daemon's role; closed with the database. */
  session(options?: { readonly pipeline?: boolean }): PostgresSession;
  /** As superuser: for a test that looks or meddles. */
  query<Row extends Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
};

/** A database of its own on the shared server, migrated and granted, with two roles of its own. */
export async function testDatabase(label: string): Promise<TestDatabase> {
  const server = await sharedPostgres();
  const name = await server.freshDatabase(label);
  const folder = mkdtempSync(join(tmpdir(), 'govctl-pg-'));
  const settingsOf = async (kind: string): Promise<PostgresSettings> => {
    const user = `${kind}_${randomBytes(6).toString('hex')}`;
    const password = randomBytes(12).toString('hex');
    await server.query(`CREATE ROLE ${quoted(user)} LOGIN PASSWORD '${password}'`);
    const file = join(folder, kind);
    writeFileSync(file, `${password}\n`, { mode: 0o600 });
    return {
      host: server.socketFolder,
      port: server.port,
      database: name,
      schema: 'govctl',
      user,
      readPassword: () => password,
      ssl: false,
    };
  };
  const [owner, daemon] = [await settingsOf('owner'), await settingsOf('daemon')];
  await server.query(`GRANT CREATE ON DATABASE ${quoted(name)} TO ${quoted(owner.user)}`);
  const now = () => new Date().toISOString();
  const schemaSession = new PostgresSession(() => connectPostgres(owner, { purpose: 'migrate', mode: 'write', patient: true }));
  await migratePostgres(schemaSession, 'govctl', postgresMigrations, now);
  await grantDaemon(schemaSession, 'govctl', daemon.user);
  await schemaSession.close();
  const sessions: PostgresSession[] = [];
  return {
    server,
    name,
    owner,
    daemon,
    session(options = {}) {
      const session = new PostgresSession(() => connectPostgres(daemon, { purpose: 'test', mode: 'write', ...options }));
      sessions.push(session);
      return session;
    },
    query: (sql, params) => server.query(sql, params, name),
    async close() {
      for (const session of sessions) await session.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
