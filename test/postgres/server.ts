import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, type ClientConfig, escapeIdentifier, type QueryResultRow } from 'pg';
import { type Binaries, findBinaries } from './binaries.ts';
import { guard } from './guard.ts';
import { copyData, type Home, handOver, makeHome, replaceData, superuser } from './home.ts';
import { launch, type Postmaster, serverEnvironment } from './postmaster.ts';
import { copyAsStandby } from './standby.ts';

export type PostgresOptions = {
  /** Settings of the server, as `-c name=value`. What is not named is PostgreSQL's default: durable. */
  readonly settings?: Readonly<Record<string, string | number>>;
};

/** How to reach a server; what a test file gets of the shared one. */
export type PostgresAddress = {
  readonly port: number;
  /** Folder of the unix socket: a host name for libpq and pg. */
  readonly socketFolder: string;
  readonly superuser: string;
  readonly password: string;
  /** In the form of libpq (PGPASSFILE), readable by whoever runs the tests. */
  readonly passwordFile: string;
  readonly version: string;
};

/** What a superuser does over a connection of its own. */
export type PostgresAccess = PostgresAddress & {
  /** Settings for `new Client` or `new Pool` of pg, as superuser over TCP. */
  connection(database?: string): ClientConfig;
  createDatabase(name: string): Promise<void>;
  /** Creates a database with a name nobody has, also when vitest runs the file again; that name. */
  freshDatabase(label: string): Promise<string>;
  query<Row extends QueryResultRow>(sql: string, params?: readonly unknown[], database?: string): Promise<Row[]>;
};

export type PostgresServer = PostgresAccess & {
  readonly folder: string;
  readonly binFolder: string;
  readonly logFile: string;
  /** Starts again, on the same folder and port, and recovers what has to be recovered. */
  start(): Promise<void>;
  /** fast: rolls back what runs, writes a checkpoint. immediate: as a crash, but orderly. Neither waits for clients. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  restart(): Promise<void>;
  /** SIGKILL for all its processes. */
  kill(): Promise<void>;
  /** Copies the data of a stopped server to a folder that is not there yet: the backup of yesterday. */
  copyTo(folder: string): Promise<void>;
  /** Puts such a copy in the place of a stopped server's data. */
  restoreFrom(folder: string): Promise<void>;
  /** A hot standby that follows this server, with a folder and a port of its own. */
  startStandby(): Promise<PostgresServer>;
  /** Ends the server, if it runs, and deletes its folder. */
  remove(): Promise<void>;
};

/** The calls of a superuser, from nothing but an address. */
export function accessTo(address: PostgresAddress): PostgresAccess {
  const connection = (database = 'postgres') => ({
    host: '127.0.0.1',
    port: address.port,
    user: address.superuser,
    password: address.password,
    database,
  });
  const query: PostgresAccess['query'] = async <Row extends QueryResultRow>(
    sql: string,
    params: readonly unknown[] = [],
    database?: string,
  ) => {
    const client = new Client(connection(database));
    // A server that is killed under the connection is for the query to tell.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(sql, [...params])).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  // template0: nobody can be connected to it, so that test files may create at the same time.
  const createDatabase = async (name: string) => void (await query(`CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0`));
  const freshDatabase = async (label: string) => {
    const name = `${label}_${randomBytes(6).toString('hex')}`;
    await createDatabase(name);
    return name;
  };
  return { ...address, connection, query, createDatabase, freshDatabase };
}

async function initialise(home: Home, binFolder: string): Promise<void> {
  const secret = join(home.folder, 'initial-password');
  await writeFile(secret, `${home.password}\n`, { mode: 0o600 });
  await handOver(secret, home.identity);
  const argv = ['-D', home.data, '-U', superuser, '--auth=scram-sha-256', `--pwfile=${secret}`, '--encoding=UTF8', '--locale=C'];
  // Not synced: a machine that crashes takes the test with it. The server itself syncs.
  await promisify(execFile)(join(binFolder, 'initdb'), [...argv, '--no-sync'], { ...home.identity, cwd: '/', env: serverEnvironment });
  await rm(secret);
}

function serverAt(home: Home, binaries: Binaries, options: PostgresOptions, removeFolder: () => Promise<void>): PostgresServer {
  const { folder, logFile, port, password, passwordFile } = home;
  const { binFolder, version } = binaries;
  const settings: Record<string, string> = { listen_addresses: '127.0.0.1', port: `${port}`, unix_socket_directories: folder };
  for (const [name, value] of Object.entries(options.settings ?? {})) settings[name] = `${value}`;
  const access = accessTo({ port, socketFolder: folder, superuser, password, passwordFile, version });
  let running: Postmaster | undefined;

  const end = async (signal: Parameters<Postmaster['end']>[0]) => {
    await running?.end(signal);
    running = undefined;
  };
  const stopped = (what: string) => {
    if (running !== undefined) throw new Error(`${what}: the server has to be stopped first`);
  };
  const server: PostgresServer = {
    ...access,
    folder,
    binFolder,
    logFile,
    async start() {
      stopped('start');
      running = await launch(home, binFolder, settings);
    },
    stop: (mode = 'fast') => end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT'),
    async restart() {
      await server.stop();
      await server.start();
    },
    kill: () => end('SIGKILL'),
    async copyTo(target) {
      stopped('copyTo');
      await copyData(home.data, target, home.identity);
    },
    async restoreFrom(source) {
      stopped('restoreFrom');
      await replaceData(source, home);
    },
    startStandby: () =>
      startIn(binaries, options, home.password, (standby) =>
        copyAsStandby(home, access.connection(), Number.parseInt(version, 10), standby),
      ),
    async remove() {
      await end('SIGQUIT');
      await removeFolder();
    },
  };
  return server;
}

/** A server in a new folder, filled by `fill`; nothing stays behind when it does not start. */
async function startIn(
  binaries: Binaries,
  options: PostgresOptions,
  password: string | undefined,
  fill: (home: Home) => Promise<void>,
): Promise<PostgresServer> {
  const home = await makeHome(password);
  const server = serverAt(home, binaries, options, guard(home));
  try {
    await fill(home);
    await server.start();
    return server;
  } catch (error) {
    await server.remove();
    throw error;
  }
}

/** A new server of its own, as a child process. End with `remove()`; without, it goes when this process goes. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const found = findBinaries();
  if ('reason' in found) throw new Error(`no PostgreSQL: ${found.reason}`);
  return await startIn(found, options, undefined, (home) => initialise(home, found.binFolder));
}
