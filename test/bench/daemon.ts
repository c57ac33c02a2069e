import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Lab } from './measurement.ts';

type Answer = { readonly status: number; readonly text: string };

/** A real daemon on a state folder of its own. */
export type BenchDaemon = {
  readonly pid: number;
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>;
  /** What a stream sends, line by line, until it is destroyed. */
  lines(path: string): Promise<{ readonly each: AsyncIterable<string>; destroy(): void }>;
  /** A counter of /metrics. */
  counter(name: string): Promise<number>;
  /** Resident memory, now and at its greatest, in bytes. */
  memory(): { readonly now: number; readonly peak: number };
  /** Ends it without a good-bye, with SIGKILL. */
  kill(): Promise<void>;
  stop(): Promise<void>;
};

const readyMs = 60_000;
const stopMs = 60_000;
const requestMs = 120_000;

function govdOf(lab: Lab): string {
  return join(lab.root, 'packages/agent/bin/govd.mjs');
}

/** What the machine has set must not decide what is measured. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _c, NODE_OPTIONS: _o, NO_COLOR: _n, FORCE_COLOR: _f, ...env } = process.env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(GOVCTL|GOVD)_/.test(name)));
}

/** Runs a command of Node's to its end. */
export async function runNode(argv: readonly string[], env: NodeJS.ProcessEnv = cleanEnv()): Promise<{ code: number; out: string }> {
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 600_000 });
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => out.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, out: Buffer.concat(out).toString('utf8') }));
  });
}

/** A state folder made by `govd init`, from a configuration where one is given. */
export async function initState(lab: Lab, config?: string): Promise<string> {
  const state = join(mkdtempSync(join(lab.folder, 'state-')), 's');
  const made = await runNode([govdOf(lab), 'init', '--state-dir', state, ...(config === undefined ? [] : ['--config', config])]);
  if (made.code !== 0) throw new Error(`govd init: ${made.out}`);
  return state;
}

export type StartOptions = { readonly connections?: number; readonly node?: readonly string[]; readonly program?: string };

/** Starts govd and waits until it is ready. */
export async function startDaemon(lab: Lab, state: string, options: StartOptions = {}): Promise<BenchDaemon> {
  const run = ['run', '--state-dir', state];
  // As its users start it, unless something is to be looked at inside.
  const [program, argv] =
    options.node === undefined && options.program === undefined
      ? [join(lab.root, 'packages/agent/bin/govd'), run]
      : [process.execPath, [...(options.node ?? []), options.program ?? govdOf(lab), ...run]];
  const child = spawn(program, argv, { env: cleanEnv(), stdio: 'ignore' });
  const { pid } = child;
  if (pid === undefined) throw new Error('govd could not be started');
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const running = () => child.exitCode === null && child.signalCode === null;
  const authorization = `Bearer ${readFileSync(join(state, 'keys/operator.apikey'), 'utf8').trim()}`;
  const pool = new Pool('http://govd', {
    socketPath: join(state, 'govd.sock'),
    connections: options.connections ?? 32,
    pipelining: 1,
    headersTimeout: requestMs,
    bodyTimeout: requestMs,
  });

  const call: BenchDaemon['call'] = async (method, path, body) => {
    const headers = body === undefined ? { authorization } : { authorization, 'content-type': 'application/json' };
    const answer = await pool.request({ method, path, headers, body: body === undefined ? null : JSON.stringify(body) });
    return { status: answer.statusCode, text: await answer.body.text() };
  };
  const stop = async () => {
    await pool.destroy();
    if (!running()) return;
    child.kill('SIGTERM');
    const ended = await Promise.race([gone.then(() => true), sleep(stopMs, false, { ref: false })]);
    if (ended) return;
    child.kill('SIGKILL');
    await gone;
  };

  const deadline = performance.now() + readyMs;
  for (;;) {
    const ready = await call('GET', '/readyz').catch(() => undefined);
    if (ready?.status === 200) break;
    if (!running() || performance.now() > deadline) {
      await stop();
      throw new Error(`govd did not become ready: ${ready?.text ?? 'no answer'}`);
    }
    await sleep(20);
  }
  return {
    pid,
    call,
    stop,
    async lines(path) {
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers: { authorization }, bodyTimeout: 0 });
      if (statusCode !== 200) throw new Error(`GET ${path}: ${statusCode} ${await body.text()}`);
      // It is ended by destroying it, which is no error of anybody's.
      body.on('error', () => {});
      return { each: createInterface(body), destroy: () => body.destroy() };
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
      await pool.destroy();
    },
    async counter(name) {
      const { text } = await call('GET', '/metrics');
      const line = text.split('\n').find((one) => one.startsWith(`${name} `));
      if (line === undefined) throw new Error(`/metrics has no ${name}`);
      return Number(line.slice(name.length + 1));
    },
    memory() {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024;
      return { now: of('VmRSS'), peak: of('VmHWM') };
    },
  };
}
