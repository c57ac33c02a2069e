import type { ExitName } from '@govctl/core/api';
import type { Client } from './client/client.ts';
import type { Target } from './context/target.ts';
import type { Completes, Flags, FlagValues, GlobalValues } from './flag.ts';
import type { Io } from './io/io.ts';
import type { CommandResult } from './output/result.ts';

/** A positional argument, as data. Order is the order of declaration. */
type Argument = {
  readonly summary: string;
  readonly optional?: true;
  /** All that is left; only the last argument may be. */
  readonly variadic?: true;
  readonly completes?: Completes;
};

export type Arguments = Readonly<Record<string, Argument>>;

type ArgumentValues<A extends Arguments> = {
  readonly [K in keyof A]: A[K] extends { variadic: true } ? string[] : A[K] extends { optional: true } ? string | undefined : string;
};

type Example = { readonly command: string; readonly what: string };

/** Everything help, completion and the documentation know of a command: data only, so that `govctl version` loads nothing else. */
export type Declaration<A extends Arguments = Arguments, F extends Flags = Flags> = {
  /** The verb; of a command without a noun the whole name. */
  readonly name: string;
  /** One line, starts with a verb, no full stop. */
  readonly summary: string;
  readonly description?: string;
  readonly args?: A;
  readonly flags?: F;
  readonly examples: readonly Example[];
  /** Exit codes a script will want to branch on, besides ok, internal, usage, auth, unreachable. */
  readonly exits?: readonly ExitName[];
  /** Output formats only this command has (`sarif`); its result carries a rendering for each. */
  readonly formats?: readonly string[];
  /** Renamed or internal commands work, but are not listed. */
  readonly hidden?: true;
};

/** What a command works with. Everything outside the process is reached through it, so that a test can stand in for all of it. */
export type CommandContext = {
  readonly io: Io;
  readonly client: Client;
  readonly globals: GlobalValues;
  /** Which daemon, and which of flag, environment, context and default said so. Reads the configuration when asked. */
  target(): Promise<Target>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  now(): Date;
  /** All commands: what help explains. */
  readonly program: readonly Entry[];
  /** Aborted by Ctrl-C, by SIGTERM and when the reader of standard output went away. */
  readonly signal: AbortSignal;
};

export type Run<D extends Declaration> =
  D extends Declaration<infer A, infer F>
    ? (context: CommandContext, args: ArgumentValues<A>, flags: FlagValues<F>) => Promise<CommandResult>
    : never;

/** The untyped face of a command's `run`, as the program calls it. */
type AnyRun = (
  context: CommandContext,
  args: Readonly<Record<string, unknown>>,
  flags: Readonly<Record<string, unknown>>,
) => Promise<CommandResult>;

export type Command = { readonly kind: 'command'; readonly declaration: Declaration; readonly load: () => Promise<AnyRun> };
export type Noun = { readonly kind: 'noun'; readonly name: string; readonly summary: string; readonly commands: readonly Command[] };
export type Entry = Command | Noun;

// biome-ignore lint/complexity/noBannedTypes: no arguments is `{}`, not "any string names one"
type None = {};

/**
 * Declares a command: its name, arguments, flags and examples, without its code.
 *
 * @example
 * export const snapshotGet = defineCommand({
 *   name: 'get',
 *   summary: 'Show a snapshot',
 *   args: { snapshot: { summary: 'Snapshot id', completes: 'snapshot' } },
 *   flags: { files: { type: 'boolean', summary: 'List the files too' } },
 *   examples: [{ command: 'govctl snapshot get S', what: 'what it holds and where it stands' }],
 *   exits: ['not-found'],
 * });
 */
export function defineCommand<const A extends Arguments = None, const F extends Flags = None>(
  declaration: Declaration<A, F>,
): Declaration<A, F> {
  return declaration;
}

/** Joins a declaration with the module that runs it, which is imported only when it does. */
export function command<D extends Declaration>(declaration: D, load: () => Promise<{ readonly run: Run<D> }>): Command {
  return { kind: 'command', declaration, load: async () => (await load()).run as AnyRun };
}

/** A noun and its verbs, in reading order. */
export function noun(name: string, summary: string, commands: readonly Command[]): Noun {
  return { kind: 'noun', name, summary, commands };
}
