import { type ExitName, exitCodes, Problem } from '@govctl/core/api';
import { createLazyClient } from './client/lazy-client.ts';
import type { CommandContext, Entry } from './command.ts';
import { wantsColor } from './io/color.ts';
import { createIo } from './io/io.ts';
import type { Streams } from './io/stream.ts';
import { isMachineFormat, outputFormat, render } from './output/render.ts';
import { durationOf, type Invocation, parseArguments } from './parse.ts';

export type Surroundings = {
  readonly streams: Streams;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted with the reason `interrupted`, `terminated` or `reader-gone`. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** A stand-in for the daemon in tests. */
  readonly client?: CommandContext['client'];
};

/** Reads the command line, runs the command, prints its result or its problem, and returns the exit code. */
export async function runProgram(entries: readonly Entry[], argv: readonly string[], around: Surroundings): Promise<number> {
  const { streams, env } = around;
  if (argv[0] === '__complete') {
    const { answerCompletion } = await import('./completion/answer.ts');
    await streams.stdout.write(await answerCompletion(entries, argv.slice(1), around));
    return 0;
  }
  const terminated = () => around.signal.reason === 'terminated';
  let format = askedFormat(argv, env);
  let noColor = argv.includes('--no-color');
  let client: CommandContext['client'] | undefined;
  let invoked: Invocation | undefined;
  try {
    const parsed = await parseArguments(argv, {
      entries,
      env,
      columns: Math.min(streams.stdout.columns, 120),
      color: wantsColor(env, streams.stdout.isTerminal, noColor),
    });
    if (parsed.is === 'help') {
      await streams.stdout.write(parsed.text);
      return 0;
    }
    if (parsed.is === 'usage') {
      throw new Problem('usage', { detail: parsed.why, hint: parsed.fix });
    }
    invoked = parsed.invocation;
    const { command, args, flags, globals: given } = invoked;
    const globals = withTwins(given, env);
    noColor = globals.noColor;
    const { declaration } = command;
    format = outputFormat(globals.output, declaration.formats ?? [], globals.field);
    const run = await command.load();
    const machine = isMachineFormat(format);
    const io = createIo(
      streams,
      { env, noColor, quiet: globals.quiet, noInput: globals.noInput, yes: globals.yes, machine },
      around.signal,
    );
    let target: ReturnType<CommandContext['target']> | undefined;
    const resolved = () => {
      target ??= import('./context/target.ts').then((module) => module.resolveTarget(globals, env, around.cwd));
      return target;
    };
    client = around.client ?? createLazyClient(resolved, around.signal, globals.timeout);
    const context: CommandContext = {
      io,
      client,
      globals,
      target: resolved,
      env,
      cwd: around.cwd,
      now: around.now,
      program: entries,
      signal: around.signal,
    };
    const exit: ExitName = await render(await untilAborted(run(context, args, flags), around.signal), { format, field: globals.field }, io);
    if (exit === 'ok') return 0;
    return exitCodes[exit].code;
  } catch (error) {
    if (around.signal.reason === 'reader-gone') return 0;
    const { asProblem, exitCodeOf, faultOfFlag, formatProblem } = await import('./output/problem.ts');
    const thrown = asProblem(error);
    // A command that noticed the interruption itself says what goes on without it.
    const problem =
      around.signal.aborted && (thrown.code !== 'cancelled' || thrown.hint === undefined)
        ? new Problem('cancelled', { detail: `stopped by ${terminated() ? 'SIGTERM' : 'Ctrl-C'}`, cause: error })
        : thrown;
    const machine = isMachineFormat(format);
    const color = wantsColor(env, streams.stderr.isTerminal, noColor);
    const told = invoked === undefined ? problem : faultOfFlag(problem, invoked.path, invoked.command.declaration, machine);
    await streams.stderr.write(await formatProblem(told, { machine, color, debug: env.GOVCTL_DEBUG === '1' }));
    return exitCodeOf(problem, terminated());
  } finally {
    await client?.close();
  }
}

/** How long a command may take to notice an interruption by itself. */
const noticeMs = 100;

/** The result, or the interruption where the command does not notice it by itself. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (!signal.aborted) {
    const interrupted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => setTimeout(() => reject(new Error('interrupted')), noticeMs), { once: true }),
    );
    return Promise.race([work, interrupted]);
  }
  return work;
}

/** Environment twins of the global flags: what the command line says counts first. */
function withTwins<G extends CommandContext['globals']>(given: G, env: Surroundings['env']): G {
  const isOn = (name: string) => env[name] !== undefined && !['', '0', 'false', 'no'].includes(env[name] ?? '');
  const text = (name: string) => (env[name] === '' ? undefined : env[name]);
  const timeout = text('GOVCTL_TIMEOUT');
  return {
    ...given,
    // Context, configuration and socket keep their origin: which one won is shown by `context show`.
    output: given.output ?? text('GOVCTL_OUTPUT'),
    quiet: given.quiet || isOn('GOVCTL_QUIET'),
    yes: given.yes || isOn('GOVCTL_YES'),
    noInput: given.noInput || isOn('GOVCTL_NO_INPUT'),
    timeout: given.timeout ?? (timeout === undefined ? undefined : durationOf('GOVCTL_TIMEOUT', timeout)),
  };
}

/** The format as far as it can be told before the command line is understood: a usage error is printed in it too. */
function askedFormat(argv: readonly string[], env: Surroundings['env']): string {
  for (const [index, token] of argv.entries()) {
    const joined = /^(?:-o=?|--output=)(.+)$/.exec(token);
    if (token === '-o' || token === '--output') return argv[index + 1] ?? 'table';
    if (joined?.[1] !== undefined) return joined[1];
  }
  return env.GOVCTL_OUTPUT ?? 'table';
}
