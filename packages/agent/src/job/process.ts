import { spawn } from 'node:child_process';
import { OutputCapture } from './output.ts';
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
  readonly outputBytes: number;
  /** Ends it; the reason is told back. */
  readonly signal: AbortSignal;
  /** Asked now and then while it runs: why it must end, or null. */
  readonly watch: () => Promise<string | null>;
  /** Told once it runs. */
  readonly spawned: (pid: number, start: string | null) => void;
  readonly capture?: OutputCapture;
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
  const { command, cwd, env, cookie, timeoutMs, graceMs } = attempt;
  const [program = '', ...args] = command;
  const capture = attempt.capture ?? new OutputCapture(attempt.outputBytes);
  const started = performance.now();
  const tick = tickNow();
  const child = spawn(program, args, { cwd, env: { ...env, [cookieName]: cookie }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk: Buffer) => capture.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => capture.push(chunk));
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
    attempt.watch().then(
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
    return {
      exit_code: code,
      signal: name,
      cut: failure === null ? cut : spawnFailure(program, failure),
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
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

function drained(child: { readonly stdout: NodeJS.ReadableStream; readonly stderr: NodeJS.ReadableStream }): Promise<unknown> {
  const done = (stream: NodeJS.ReadableStream) =>
    new Promise<void>((resolve) =>
      (stream as { readableEnded?: boolean }).readableEnded === true ? resolve() : stream.once('close', resolve),
    );
  const late = new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref());
  return Promise.race([Promise.all([done(child.stdout), done(child.stderr)]), late]);
}

function spawnFailure(program: string, failure: Error): string {
  const code = (failure as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return `there is no program '${program}'`;
  if (code === 'EACCES') return `'${program}' may not be run`;
  if (code === 'E2BIG') return `the arguments and variables of '${program}' are too long`;
  return `'${program}' could not be started: ${failure.message}`;
}
