import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Client } from 'undici';
import { requireSchema } from './answer-schema.ts';
import { isNoun, runHere } from './cli-here.ts';
import { requireEventData } from './event-schema.ts';
import { copyDatabase, lockTables, type PostgresStore, postgresStore, type StoreOptions, schemaRows, storeKind } from './store.ts';

const root = join(import.meta.dirname, '..');
const programs = { govctl: join(root, 'packages/cli/bin/govctl'), govd: join(root, 'packages/agent/bin/govd') };

/** Where the daemon's program is. */
export const daemonProgram = programs.govd;

export type Ended = { readonly code: number; readonly signal: NodeJS.Signals | null; readonly stdout: string; readonly stderr: string };

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  /** What is on standard input; it is closed from the start when left out. */
  readonly stdin?: string;
  /** Ends standard output after so many bytes, as `head -c` does. */
  readonly readAtMost?: number;
  /** Called with the process once it runs: to send it a signal. */
  readonly started?: (child: ChildProcess) => void;
};

export type HttpAnswer = { readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly body: string };

/** A daemon of its own in a folder of its own, with the real programs. */
export type Deployment = {
  readonly folder: string;
  readonly state: string;
  readonly socket: string;
  /** Where its state is, when that is PostgreSQL. */
  readonly postgres: PostgresStore | undefined;
  /** Starts govd and waits until it is ready; `env` is for this start. */
  start(env?: Readonly<Record<string, string>>): Promise<ChildProcess>;
  /** Stops govd and waits until it is gone; its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /**
   * Runs the program, as a process of its own; a command that this test file ran before with the same flags goes on in this process
   * (`cli-here.ts`), unless it is given what only a process has.
   */
  govctl(argv: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The document a command printed. Fails with what it said when the exit code is not the expected one. */
  json<T = Readonly<Record<string, unknown>>>(argv: readonly string[], exit?: number): Promise<T>;
  /** Past the daemon: what stands in a database, whichever store it is in. */
  rows<Row>(database: 'govd' | 'births', sql: string): Promise<Row[]>;
  /** Tables of a database. */
  tables(database: 'govd' | 'births'): Promise<string[]>;
  /** Holds what every write of governance needs, until told. */
  blockGovernance(): Promise<() => Promise<void>>;
  /** Copies the database of a stopped daemon; what is answered puts the copy back. */
  backup(): Promise<() => Promise<void>>;
  /** One request as the operator, past the client: headers and bytes as they are. */
  http(method: 'GET' | 'POST', path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /** Writes a file into the folder, and returns its path. */
  file(name: string, content: string): Promise<string>;
  log(): Promise<string>;
  /** The same machine with another state folder, that exists already: after a restore. */
  elsewhere(state: string): Deployment;
  remove(): Promise<void>;
};

/** Shapes of command lines that were run as a process in this test file. */
const ranAsProcess = new Set<string>();

/** The command and the names of its flags, without what they are given. A dataset is no part of `promote`, a verb is one of `snapshot`. */
async function shapeOf(argv: readonly string[]): Promise<string> {
  const flags = argv.filter((word) => word.startsWith('-')).map((word) => word.split('=')[0]);
  const words = argv.slice(0, (await isNoun(argv[0] ?? '')) ? 2 : 1).filter((word) => !word.startsWith('-'));
  return [...words, ...flags.sort()].join(' ');
}

/** Runs a program to its end. */
export function runToEnd(
  program: keyof typeof programs,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  options: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(programs[program], argv, {
      env: { ...env, ...options.env },
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      out.push(chunk);
      size += chunk.length;
      if (options.readAtMost !== undefined && size >= options.readAtMost) child.stdout?.destroy();
    });
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const stdout = Buffer.concat(out).subarray(0, options.readAtMost).toString('utf8');
      resolve({ code: code ?? -1, signal, stdout, stderr: Buffer.concat(err).toString('utf8') });
    });
    child.stdin?.end(options.stdin);
    options.started?.(child);
  });
}

/** Makes a state folder with `govd init`. Nothing runs yet; end with `remove()`. */
export async function deploy(options: StoreOptions & { readonly kind?: typeof storeKind } = {}): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'govctl-'));
  const kind = options.kind ?? storeKind;
  const postgres = kind === 'postgres' ? await postgresStore(folder, options) : undefined;
  const state = join(folder, 'state');
  const deployment = deploymentAt(folder, state, postgres);
  const from = postgres === undefined ? [] : ['--config', postgres.config];
  const made = await runToEnd('govd', ['init', '--state-dir', state, ...from], deployment.env);
  if (made.code !== 0) throw new Error(`govd init: ${made.stderr}`);
  return deployment;
}

/**
 * Another host of a deployment on PostgreSQL: a copy of its keys and configuration, in a folder of its own. The content of snapshots is
 * in one folder, as on a disk that hosts share. `env` is for its daemon.
 */
export async function deployHost(first: Deployment, env: Readonly<Record<string, string>> = {}): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'govctl-host-'));
  const state = join(folder, 'state');
  await mkdir(state, { mode: 0o700 });
  for (const name of ['keys', 'trust.json', 'govd.yaml']) await cp(join(first.state, name), join(state, name), { recursive: true });
  await symlink(join(first.state, 'objects'), join(state, 'objects'));
  const cli = await readFile(join(first.state, 'govctl.yaml'), 'utf8');
  await writeFile(join(state, 'govctl.yaml'), cli.replaceAll(first.state, state), { mode: 0o600 });
  return deploymentAt(folder, state, first.postgres, env);
}

function deploymentAt(
  folder: string,
  state: string,
  postgres: PostgresStore | undefined,
  ofDaemon: Readonly<Record<string, string>> = {},
): Deployment & { readonly env: NodeJS.ProcessEnv } {
  const socket = join(state, 'govd.sock');
  const logFile = join(folder, 'govd.log');
  // What the machine has set must not decide what a test sees.
  const { NO_COLOR: _n, FORCE_COLOR: _f, CI: _c, ...inherited } = process.env;
  const own = Object.fromEntries(Object.entries(inherited).filter(([name]) => !name.startsWith('GOVCTL_') && !name.startsWith('GOVD_')));
  const env = { ...own, GOVCTL_CONFIG: join(state, 'govctl.yaml'), XDG_CONFIG_HOME: join(folder, 'config') };
  let daemon: ChildProcess | undefined;

  const http: Deployment['http'] = async (method, path, body, headers = {}) => {
    const client = new Client('http://govd', { socketPath: socket });
    try {
      const key = (await readFile(join(state, 'keys', 'operator.apikey'), 'utf8')).trim();
      const answer = await client.request({
        method,
        path,
        headers: { ...headers, authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
    } finally {
      await client.destroy();
    }
  };

  const deployment: Deployment & { readonly env: NodeJS.ProcessEnv } = {
    folder,
    state,
    socket,
    postgres,
    env,
    http,
    async start(own = {}) {
      const log = createWriteStream(logFile, { flags: 'a' });
      const child = spawn(programs.govd, ['run', '--state-dir', state], {
        env: { ...env, ...ofDaemon, ...own },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      daemon = child;
      child.stdout?.pipe(log, { end: false });
      child.stderr?.pipe(log, { end: false });
      for (let attempt = 0; attempt < 600 && child.exitCode === null && child.signalCode === null; attempt += 1) {
        const ready = await http('GET', '/readyz').catch(() => undefined);
        if (ready?.status === 200) return child;
        await sleep(50);
      }
      throw new Error(`govd did not become ready: ${await deployment.log()}`);
    },
    async stop(signal = 'SIGTERM') {
      const child = daemon;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
      const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.kill(signal);
      return gone;
    },
    async govctl(argv, options) {
      const { stdin, readAtMost, started, env: own } = options ?? {};
      const needsProcess = stdin !== undefined || readAtMost !== undefined || started !== undefined || own?.NODE_OPTIONS !== undefined;
      // Whoever wants to be told of the process is told at once.
      if (!needsProcess) {
        const shape = await shapeOf(argv);
        if (ranAsProcess.has(shape)) return await runHere(argv, { ...env, ...own });
        ranAsProcess.add(shape);
      }
      return await runToEnd('govctl', argv, env, options);
    },
    async json<T>(argv: readonly string[], exit = 0) {
      const ended = await deployment.govctl([...argv, '-o', 'json']);
      if (ended.code === exit) {
        const document: unknown = JSON.parse(ended.stdout);
        requireSchema(document);
        return document as T;
      }
      throw new Error(`govctl ${argv.join(' ')} ended with ${ended.code}, not ${exit}\n${ended.stdout}${ended.stderr}`);
    },
    rows: async <Row>(database: 'govd' | 'births', sql: string) =>
      postgres === undefined ? fileRows<Row>(join(state, `${database}.db`), sql) : await schemaRows<Row>(postgres, schemas[database], sql),
    async tables(database) {
      const sql =
        postgres === undefined
          ? "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
          : `SELECT tablename AS name FROM pg_tables WHERE schemaname = '${schemas[database]}' ORDER BY tablename`;
      return (await deployment.rows<{ name: string }>(database, sql)).map(({ name }) => name);
    },
    blockGovernance: async () => (postgres === undefined ? lockFile(join(state, 'govd.db')) : await lockTables(postgres)),
    async backup() {
      return await (postgres === undefined ? copyFiles(state, join(folder, 'backup')) : copyDatabase(postgres));
    },
    async file(name, content) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
      return path;
    },
    elsewhere: (other) => deploymentAt(folder, other, undefined),
    log: async () => await readFile(logFile, 'utf8').catch(() => ''),
    async remove() {
      await deployment.stop('SIGKILL');
      try {
        await requireEventData(deployment.rows);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
  return deployment;
}

async function copyFiles(state: string, to: string): Promise<() => Promise<void>> {
  const copy = async (from: string, into: string) => {
    await mkdir(into, { recursive: true });
    for (const name of ['govd.db', 'govd.db-wal', 'govd.db-shm']) {
      await rm(join(into, name), { force: true });
      await cp(join(from, name), join(into, name), { force: true }).catch(() => undefined);
    }
  };
  await copy(state, to);
  return () => copy(to, state);
}

const schemas = { govd: 'govctl', births: 'births' } as const;

function fileRows<Row>(file: string, sql: string): Row[] {
  const database = new Database(file, { readonly: true });
  try {
    return database.prepare(sql).all() as Row[];
  } finally {
    database.close();
  }
}

function lockFile(file: string): () => Promise<void> {
  const locked = new Database(file);
  locked.exec('BEGIN IMMEDIATE');
  return async () => {
    locked.exec('ROLLBACK');
    locked.close();
  };
}
