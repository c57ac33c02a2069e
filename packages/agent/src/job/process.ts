import { type ChildProcess, spawn } from 'node:child_process';
import type { OutputCapture } from './output.ts';
import { cookieName, endWithCookie, signal, startOf, tickNow } from './proc.ts';

export type Attempt = {
  readonly command: readonly string[];
  readonly cwd: string;
  /** All of its environment, but for its cookie. */
  readonly env: Readonly<Record<string, string>>;
  readonly cookie: string;
  readonly timeoutMs: number;
  /** How long it may take to end after SIGTERM. */
  readonly graceMs: number;
  /** Ends it; the reason is told back. */
  readonly signal: AbortSignal;
  /** Asked now and then while it runs, and once when it is over: why it must end, or does not count; or null. */
  readonly watch: (over: boolean) => Promise<string | null>;
  /** Told once it runs. */
  readonly spawned: (pid: number, start: string | null) => void;
  /** Told what it prints. */
  readonly capture: OutputCapture;
};

export type Ended = {
  readonly exit_code: number | null;
  readonly signal: string | null;
  /** Why it did not run, or did not run to its end; null where it ended by itself. */
  readonly cut: string | null;
  readonly output: Buffer;
  readonly output_bytes: number;
  readonly elapsed_ms: number;
  /** Processes that it left behind, and that were ended. */
  readonly left_behind: number;
};

const watchEveryMs = 500;
/** What is still in a pipe when the process is gone; whoever else holds the pipe is not waited for. */
const drainMs = 250;

/**
 * Runs one attempt of a step: a child in a session and process group of its own, with nothing of our environment but what was given. It is
 * ended as a group, SIGTERM first; what left the group is found by its cookie. Only what cleaned its own environment gets away.
 */
export async function runAttempt(attempt: Attempt): Promise<Ended> {
  const { cookie, capture, timeoutMs, graceMs } = attempt;
  const [program = ''] = attempt.command;
  const started = performance.now();
  const tick = tickNow();
  const child = startChild(attempt);
  if (child instanceof Error) return notStarted(program, child);
  child.stdout?.on('data', (chunk: Buffer) => capture.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => capture.push(chunk));
  const pid = child.pid;

  let cut: string | null = null;
  let killing: NodeJS.Timeout | undefined;
  const end = (reason: string) => {
    if (cut !== null || pid === undefined) return;
    cut = reason;
    signal(-pid, 'SIGTERM');
    killing = setTimeout(() => signal(-pid, 'SIGKILL'), graceMs);
  };
  const ended = new Promise<{ code: number | null; name: string | null; failure: Error | null }>((resolve) => {
    child.once('error', (failure) => resolve({ code: null, name: null, failure }));
    child.once('exit', (code, name) => resolve({ code, name, failure: null }));
  });
  const onAbort = () => end(String(attempt.signal.reason));
  attempt.signal.addEventListener('abort', onAbort, { once: true });
  if (attempt.signal.aborted) onAbort();
  const timer = setTimeout(() => end(`it took longer than ${timeoutMs / 1000} s`), Math.min(timeoutMs, 2 ** 31 - 1));
  const watching = setInterval(() => {
    attempt.watch(false).then(
      (reason) => (reason === null ? undefined : end(reason)),
      () => {},
    );
  }, watchEveryMs);
  try {
    if (pid !== undefined) attempt.spawned(pid, await startOf(pid));
    const { code, name, failure } = await ended;
    const elapsed_ms = Math.round(performance.now() - started);
    // The group first: the leader is gone, others of it may not be.
    const group = pid !== undefined && signal(-pid, 'SIGKILL') ? 1 : 0;
    const away = pid === undefined ? 0 : await endWithCookie((found) => found === cookie, tick);
    await drained(child);
    if (failure !== null) return notStarted(program, failure);
    // It may have ended between two looks: what it did too much of is not found in the step after it.
    cut ??= await attempt.watch(true).catch(() => null);
    return {
      exit_code: code,
      signal: name,
      cut,
      output: capture.bytes(),
      output_bytes: capture.total,
      elapsed_ms,
      left_behind: Math.max(group, away),
    };
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    clearInterval(watching);
    attempt.signal.removeEventListener('abort', onAbort);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** The child, or why there is none: some of what can be wrong with a command is thrown, and some is told later. */
function startChild({ command, cwd, env, cookie }: Attempt): ChildProcess | Error {
  const [program = '', ...args] = command;
  try {
    return spawn(program, args, { cwd, env: { ...env, [cookieName]: cookie }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return error as Error;
  }
}

function notStarted(program: string, failure: Error): Ended {
  const cut = spawnFailure(program, failure);
  return { exit_code: null, signal: null, cut, output: Buffer.alloc(0), output_bytes: 0, elapsed_ms: 0, left_behind: 0 };
}

function drained({ stdout, stderr }: ChildProcess): Promise<unknown> {
  const done = (stream: NodeJS.ReadableStream | null) =>
    new Promise<void>((resolve) =>
      (stream as { readableEnded?: boolean } | null)?.readableEnded === false ? stream?.once('close', resolve) : resolve(),
    );
  const late = new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref());
  return Promise.race([Promise.all([done(stdout), done(stderr)]), late]);
}

function spawnFailure(program: string, failure: Error): string {
  const code = (failure as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return `there is no program '${program}'`;
  if (code === 'EACCES') return `'${program}' may not be run`;
  if (code === 'ENOTDIR' || code === 'ENAMETOOLONG') return `'${program}' names no program`;
  if (code === 'ETXTBSY') return `'${program}' is still being written`;
  if (code === 'E2BIG') return `the arguments and variables of '${program}' are too long`;
  return `'${program}' could not be started: ${failure.message}`;
}
