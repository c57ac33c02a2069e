import { randomBytes, randomInt } from 'node:crypto';
import { chown, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Identity, serverIdentity } from './identity.ts';

export const superuser = 'postgres';

/** Where one server lives: a folder that is its own, and a port it keeps over restarts. */
export type Home = {
  readonly folder: string;
  readonly data: string;
  readonly logFile: string;
  readonly port: number;
  readonly password: string;
  /** In the form of libpq (~/.pgpass), of whoever runs the tests. */
  readonly passwordFile: string;
  readonly identity: Identity;
};

/** The kernel's limit of a socket's path is 107 bytes, and the server adds `/.s.PGSQL.<port>`. */
const longest = 107 - '/gpg-XXXXXX/.s.PGSQL.65535'.length;

/** Gives a file or folder to the user the server runs as. */
export async function handOver(path: string, { uid, gid }: Identity): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Below the ports that outgoing connections get: while the server is stopped nobody takes its port by accident. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    if (await isFree(port)) return port;
  }
}

export async function makeHome(password: string = randomBytes(16).toString('hex')): Promise<Home> {
  const identity = serverIdentity();
  const folder = await mkdtemp(join(Buffer.byteLength(tmpdir()) > longest ? '/tmp' : tmpdir(), 'gpg-'));
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, `*:*:*:${superuser}:${password}\n`, { mode: 0o600 });
  await handOver(folder, identity);
  await handOver(data, identity);
  return { folder, data, logFile: join(folder, 'log'), port: await freePort(), password, passwordFile, identity };
}

/** Files may go away while they are copied: the log that a backup begins with says what happened to them. */
const unlessGone = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
};

/** Copies a folder of data, of a server that may run. Owner and permissions are those PostgreSQL demands. */
export async function copyData(from: string, to: string, identity: Identity, skip: (name: string) => boolean = () => false): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch(unlessGone);
  if (entries === undefined) return;
  await mkdir(to, { recursive: true, mode: 0o700 });
  await handOver(to, identity);
  for (const entry of entries) {
    if (skip(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyData(source, target, identity);
    else if ((await copyFile(source, target).then(() => true, unlessGone)) === true) await handOver(target, identity);
  }
}

/** Puts a copy in the place of the data. */
export async function replaceData(from: string, home: Home): Promise<void> {
  await rm(home.data, { recursive: true, force: true });
  await copyData(from, home.data, home.identity);
}
