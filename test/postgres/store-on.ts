import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresAccess } from './server.ts';

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

export type StoreSettings = {
  /** Where the daemon reaches it; a proxy, for example. */
  readonly port?: number;
  /** More of govd.yaml. */
  readonly yaml?: string;
};

/** A database with an owner and a daemon's role, as an administrator would make it; passwords lie in files. The second place is that of the first host, for all. */
export async function storeOn(server: PostgresAccess, folder: string, options: StoreSettings = {}): Promise<PostgresStore> {
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
