import { Problem } from '@govctl/core/api';
import { Client, type ClientBase, type ClientConfig, types as pgTypes } from 'pg';
import type { PostgresSettings } from './settings.ts';

/** What the server is, as one connection found it. */
export type ServerIdentity = { readonly system_identifier: string; readonly timeline: number; readonly version: number };

/**
 * Time-outs of every session, in milliseconds. A stopped process must not freeze the others: its transaction is ended by the server
 * (`idle_in_transaction_session_timeout`), and nobody waits longer for a lock than this.
 */
const timeouts = { lock_timeout: 2000, idle_in_transaction_session_timeout: 2000 };

/**
 * How long a statement may take. Whoever asked gives up after 30 seconds, and has to be told before that: also when the connection is
 * half-open, and the commit that was under way has to be asked for.
 */
const statementMs = { read: 20_000, write: 10_000 };

const oid = { int8: 20, numeric: 1700 };

/** Whole numbers stay numbers: ids, sizes and counts are far below 2^53, and one that is not must not be rounded in silence. */
function exactNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) && /^-?\d+$/.test(text)) throw new RangeError(`a number of PostgreSQL is too large: ${text}`);
  return value;
}

const types: ClientConfig['types'] = {
  getTypeParser(type: number, format?: 'text' | 'binary') {
    if (type === oid.int8 || type === oid.numeric) return exactNumber;
    return pgTypes.getTypeParser(type, format as 'text');
  },
} as ClientConfig['types'];

export type ConnectOptions = {
  /** For whoever looks at pg_stat_activity: what this connection is for. */
  readonly purpose: string;
  readonly mode: 'write' | 'read';
  /** Instead of the usual time-outs; migrations may take longer. */
  readonly patient?: boolean;
  /** How long a statement may take, where nobody waits for the answer. */
  readonly statementMs?: number;
  /** Statements are sent as they come, before the answers to those before them. Who sends so judges every answer, in order. */
  readonly pipeline?: boolean;
};

/**
 * What every connection says for itself, whatever the server's configuration is: READ COMMITTED, UTC, flushed commits, and the
 * time-outs above.
 */
export function clientConfig(settings: PostgresSettings, options: ConnectOptions): ClientConfig {
  const statement_timeout = options.statementMs ?? statementMs[options.mode];
  const limits = options.patient === true ? { lock_timeout: 10_000 } : { ...timeouts, statement_timeout };
  const session: Record<string, string | number> = {
    ...limits,
    search_path: `${settings.schema},pg_temp`,
    TimeZone: 'UTC',
    synchronous_commit: 'on',
    default_transaction_isolation: 'read\\ committed',
    tcp_keepalives_idle: 5,
    tcp_keepalives_interval: 2,
    tcp_keepalives_count: 3,
  };
  return {
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    // Never from the environment or ~/.pgpass: a deployment has one provider of secrets.
    password: () => settings.readPassword() ?? '',
    ssl: settings.ssl,
    pipeline: options.pipeline === true,
    application_name: `govd ${options.purpose}`,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    // The server answers within its own time-outs; when it does not, the connection is half-open.
    ...(options.patient === true ? {} : { query_timeout: statement_timeout + 2000 }),
    options: Object.entries(session)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types,
  };
}

/**
 * Opens a connection and finds out what is behind it.
 *
 * @throws Problem `unavailable` when the server cannot be reached or is refused (see `examine`)
 */
export async function connectPostgres(
  settings: PostgresSettings,
  options: ConnectOptions,
): Promise<{ client: Client; server: ServerIdentity }> {
  const client = new Client(clientConfig(settings, options));
  // A connection that breaks while nobody asks anything must not end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return { client, server: await examine(client, options.mode) };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

type ServerRow = {
  standby: boolean;
  read_only: string;
  version: number;
  fsync: string;
  full_page_writes: string;
  synchronous_commit: string;
  system_identifier: string;
  timeline: number | null;
  encoding: string;
};

/** @throws Problem `unavailable` for a standby, a read-only server, one that does not flush, and one too old */
export async function examine(client: Pick<ClientBase, 'query'>, mode: 'write' | 'read'): Promise<ServerIdentity> {
  const { rows } = await client.query<ServerRow>(
    `SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS read_only,
       current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('server_encoding') AS encoding,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
       CASE WHEN pg_is_in_recovery() THEN NULL ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('PostgreSQL did not say what it is');
  const refuse = (detail: string, hint: string): never => {
    throw new Problem('unavailable', { detail: `PostgreSQL is refused: ${detail}`, hint });
  };
  if (row.version < 140_000)
    refuse(`it is version ${Math.floor(row.version / 10_000)}, and 14 is the oldest that is supported`, 'upgrade it');
  if (row.standby) refuse('it is a standby (in recovery)', 'name the primary in store.postgres.host');
  if (mode === 'write' && row.read_only === 'on') refuse('default_transaction_read_only is on', 'turn it off for the role of govd');
  if (row.fsync !== 'on') refuse('fsync is off: a crash could lose acknowledged promotions', 'set fsync = on');
  if (row.full_page_writes !== 'on')
    refuse('full_page_writes is off: a crash of its host could tear pages of the database', 'set full_page_writes = on');
  // Every connection asks for it; what stands between (a pooler that drops options) may not pass it on.
  if (mode === 'write' && row.synchronous_commit === 'off')
    refuse(
      'synchronous_commit is off: a crash could lose acknowledged promotions',
      'connect to the server itself, or set synchronous_commit = on',
    );
  if (row.encoding !== 'UTF8') refuse(`the database is encoded as ${row.encoding}`, 'create it WITH ENCODING UTF8');
  return { system_identifier: row.system_identifier, timeline: row.timeline ?? 0, version: row.version };
}
