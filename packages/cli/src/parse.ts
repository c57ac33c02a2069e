import { Argument, Command as CommanderCommand, type CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Command, Entry } from './command.ts';
import { camelCase, type Flag, type Flags, type GlobalValues, globalFlags } from './flag.ts';
import { addHelp } from './help/command-help.ts';

/** What the command line said: which command, with which values. */
export type Invocation = {
  readonly command: Command;
  /** `snapshot create` */
  readonly path: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly globals: GlobalValues;
};

export type Parsed =
  | { readonly is: 'invocation'; readonly invocation: Invocation }
  /** Help that was asked for, for standard output. */
  | { readonly is: 'help'; readonly text: string }
  /** A command line that is not one: why, and what to type instead. */
  | { readonly is: 'usage'; readonly why: string; readonly fix: string };

export type ParseOptions = {
  readonly entries: readonly Entry[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly columns: number;
  readonly color: boolean;
};

/** Builds the commander tree from the declarations and reads the arguments with it. Nothing is printed and nothing runs. */
export async function parseArguments(argv: readonly string[], options: ParseOptions): Promise<Parsed> {
  const place: { failed?: CommanderCommand; text: string } = { text: '' };
  try {
    return await parseWith(argv, options, place);
  } catch (error) {
    const [operand] = place.failed?.commands.length === 0 ? [] : (place.failed?.args ?? []);
    const isHelp = (token: string) => token === '--help' || token === '-h';
    // Commander answers `govctl nonsense --help` with the help of govctl; what was meant is the better answer.
    if (
      (error as CommanderError).code === 'commander.helpDisplayed' &&
      operand !== undefined &&
      !operand.startsWith('-') &&
      argv.some(isHelp)
    ) {
      return parseArguments(
        argv.filter((token) => !isHelp(token)),
        options,
      );
    }
    return usageOf(error as CommanderError, place.failed, place.text);
  }
}

async function parseWith(
  argv: readonly string[],
  options: ParseOptions,
  place: { failed?: CommanderCommand; text: string },
): Promise<Parsed> {
  let parsed: Parsed | undefined;
  const root = new CommanderCommand('govctl');

  const configure = (commander: CommanderCommand) =>
    commander
      .exitOverride((error) => {
        place.failed ??= commander;
        throw error;
      })
      .configureOutput({
        writeOut: (chunk) => {
          place.text += chunk;
        },
        writeErr: (chunk) => {
          place.text += chunk;
        },
        outputError: () => {},
        getOutHelpWidth: () => options.columns,
        getErrHelpWidth: () => options.columns,
        getOutHasColors: () => options.color,
        getErrHasColors: () => options.color,
      })
      .helpCommand(false)
      .helpOption('-h, --help', 'Show help');

  configure(root).enablePositionalOptions();
  addFlags(root, globalFlags, options.env, false);

  const addCommand = (parent: CommanderCommand, command: Command) => {
    const { declaration } = command;
    const commander = configure(new CommanderCommand(declaration.name))
      .summary(declaration.summary)
      .description(declaration.description ?? declaration.summary);
    for (const [name, argument] of Object.entries(declaration.args ?? {})) {
      const dots = argument.variadic === true ? '...' : '';
      commander.addArgument(new Argument(argument.optional === true ? `[${name}${dots}]` : `<${name}${dots}>`, argument.summary));
    }
    commander.optionsGroup('Flags:');
    addFlags(commander, declaration.flags ?? {}, options.env, true);
    addFlags(commander, withoutShadowed(globalFlags, declaration.flags), options.env, false, true);
    takeBareFlags(commander, declaration.flags ?? {});
    addHelp(commander, command);
    commander.action(() => {
      const path = parent === root ? declaration.name : `${parent.name()} ${declaration.name}`;
      const names = Object.keys(declaration.args ?? {});
      const args = Object.fromEntries(names.map((name, index) => [name, commander.processedArgs[index]]));
      const values = commander.opts();
      const flags = flagValues(declaration.flags ?? {}, values);
      const missing = missingFlag(declaration.flags ?? {}, flags);
      if (missing !== undefined) {
        parsed = { is: 'usage', why: `the flag --${missing} is missing`, fix: `govctl ${path} --help` };
        return;
      }
      const globals = globalValues([root.opts(), ...(parent === root ? [] : [parent.opts()]), values]);
      parsed = { is: 'invocation', invocation: { command, path, args, flags, globals } };
    });
    parent.addCommand(commander, { hidden: declaration.hidden === true });
  };

  // Only what the words name is built whole; of the rest, help and suggestions need no more than name and summary.
  const isNamed = (name: string) => argv.includes(name);
  for (const entry of options.entries) {
    if (entry.kind === 'command') {
      if (isNamed(entry.declaration.name)) addCommand(root, entry);
      else
        root.addCommand(new CommanderCommand(entry.declaration.name).summary(entry.declaration.summary), {
          hidden: entry.declaration.hidden === true,
        });
      continue;
    }
    const commander = configure(new CommanderCommand(entry.name)).summary(entry.summary).description(entry.summary);
    if (isNamed(entry.name)) {
      commander.enablePositionalOptions();
      addFlags(commander, globalFlags, options.env, false, true);
      for (const command of entry.commands) addCommand(commander, command);
      addHelp(commander, entry);
    }
    root.addCommand(commander);
  }
  addHelp(root, undefined);

  if (argv.length === 0) return { is: 'help', text: root.helpInformation() };
  await root.parseAsync([...argv], { from: 'user' });
  return parsed ?? { is: 'usage', why: 'no command was given', fix: 'govctl --help' };
}

/** A command may have its own meaning for a global name (`--timeout` with a default); then its own counts. */
function withoutShadowed(flags: Flags, own: Flags | undefined): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => own === undefined || !Object.hasOwn(own, name)));
}

function addFlags(commander: CommanderCommand, flags: Flags, env: ParseOptions['env'], own: boolean, hidden = false): void {
  for (const [name, flag] of Object.entries(flags)) {
    const dashes = `${flag.short === undefined ? '' : `-${flag.short}, `}--${name}`;
    const option = new Option(
      flag.type === 'boolean' ? dashes : `${dashes} ${bareOf(flag) === undefined ? `<${flag.value}>` : `[${flag.value}]`}`,
      summaryOf(flag),
    );
    // Commander turns --no-color into color=false with a default of true; our names are what they say.
    if (option.negate) option.negate = false;
    option.attributeName = () => camelCase(name);
    if (flag.hidden === true || hidden) option.hideHelp();
    if (flag.type !== 'boolean') {
      option.argParser(parserOf(flag));
      if ('choices' in flag && flag.choices !== undefined) option.argChoices = [...flag.choices];
    }
    const fallback = 'default' in flag ? flag.default : undefined;
    if (fallback !== undefined) option.default(flag.type === 'duration' ? durationMs(String(fallback)) : fallback, String(fallback));
    commander.addOption(option);
    const twin = flag.env === undefined ? undefined : env[flag.env];
    if (own && flag.env !== undefined && twin !== undefined && twin !== '')
      commander.setOptionValueWithSource(camelCase(name), parsedTwin(flag, twin, commander), 'env');
  }
}

function bareOf(flag: Flag): string | undefined {
  return flag.type === 'string' ? flag.bare : undefined;
}

function summaryOf(flag: Flag): string {
  const notes = [
    ...('required' in flag && flag.required === true ? ['required'] : []),
    ...(flag.env === undefined ? [] : [`env ${flag.env}`]),
  ];
  return notes.length === 0 ? flag.summary : `${flag.summary} (${notes.join('; ')})`;
}

function parserOf(flag: Exclude<Flag, { type: 'boolean' }>): (text: string, previous: unknown) => unknown {
  const chosen = (text: string, choices: readonly string[] | undefined) => {
    if (choices === undefined || choices.includes(text)) return text;
    throw new InvalidArgumentError(`It is not one of ${choices.join(', ')}.`);
  };
  switch (flag.type) {
    case 'string':
      return (text) => chosen(text === '' && flag.bare !== undefined ? flag.bare : text, flag.choices);
    case 'list':
      return (text, previous) => [...(Array.isArray(previous) ? previous : []), chosen(text, flag.choices)];
    case 'integer':
      return (text) => {
        const number = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
        if (Number.isNaN(number) || (flag.min !== undefined && number < flag.min))
          throw new InvalidArgumentError(
            flag.min === undefined ? 'It is not a whole number.' : `It is not a whole number from ${flag.min}.`,
          );
        return number;
      };
    case 'duration':
      return durationMs;
    case 'time':
      return (text) => {
        const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
        if (Number.isNaN(time)) throw new InvalidArgumentError('It is not an RFC 3339 time like 2026-11-21T09:00:00Z.');
        return new Date(time).toISOString();
      };
  }
}

/** A duration out of the environment. @throws CommanderError */
export function durationOf(name: string, text: string): number {
  try {
    return durationMs(text);
  } catch (error) {
    throw new Error(`${name} is set to '${text}'. ${(error as Error).message}`, { cause: error });
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function durationMs(text: string): number {
  const match = /^(\d{1,6})(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("It is not a duration like '90s', '15m', '24h' or '7d'.");
  return Number(match[1]) * (units[match[2] ?? ''] ?? 0);
}

function parsedTwin(flag: Flag, text: string, commander: CommanderCommand): unknown {
  if (flag.type === 'boolean') return !['0', 'false', 'no'].includes(text.toLowerCase());
  try {
    return parserOf(flag)(text, undefined);
  } catch (error) {
    return commander.error(`error: ${flag.env} is set to '${text}', which is invalid. ${(error as Error).message}`, {
      code: 'commander.invalidArgument',
    });
  }
}

/** Checked after everything that was given: a misspelt flag is the better thing to hear of. */
function missingFlag(flags: Flags, values: Readonly<Record<string, unknown>>): string | undefined {
  const isMissing = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0);
  return Object.entries(flags).find(
    ([name, flag]) => 'required' in flag && flag.required === true && isMissing(values[camelCase(name)]),
  )?.[0];
}

function flagValues(flags: Flags, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => {
      const value = values[camelCase(name)];
      return [camelCase(name), value ?? (flag.type === 'boolean' ? false : flag.type === 'list' ? [] : undefined)];
    }),
  );
}

/** Of the places a global flag may stand in, the innermost counts. Environment twins of globals are read where the flag is used. */
function globalValues(levels: readonly Readonly<Record<string, unknown>>[]): GlobalValues {
  return flagValues(
    globalFlags,
    Object.assign({}, ...levels.map((level) => Object.fromEntries(Object.entries(level).filter(([, value]) => value !== undefined)))),
  ) as GlobalValues;
}

/** `--dry-run` alone becomes `--dry-run=`, so that it cannot take the next argument for its value. */
function takeBareFlags(commander: CommanderCommand, flags: Flags): void {
  const bare = new Set(Object.entries(flags).flatMap(([name, flag]) => (bareOf(flag) === undefined ? [] : [`--${name}`])));
  if (bare.size === 0) return;
  const parseOptions = commander.parseOptions.bind(commander);
  commander.parseOptions = (args) => {
    const end = args.indexOf('--');
    return parseOptions(args.map((token, index) => (bare.has(token) && (end === -1 || index < end) ? `${token}=` : token)));
  };
}

function usageOf(error: CommanderError, commander: CommanderCommand | undefined, text: string): Parsed {
  if (commander === undefined || error.code?.startsWith('commander.') !== true) throw error;
  if (error.code === 'commander.helpDisplayed') return { is: 'help', text };
  const names = [];
  for (let at: CommanderCommand | null = commander; at !== null; at = at.parent) names.unshift(at.name());
  const help = `${names.join(' ')} --help`;
  if (error.code === 'commander.help')
    return { is: 'usage', why: `${names.join(' ')} needs a verb: ${commander.commands.map((verb) => verb.name()).join(', ')}`, fix: help };
  const [first = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n');
  const meant = /Did you mean (?:one of )?(.+)\?\)/.exec(suggestion)?.[1];
  return { is: 'usage', why: first, fix: meant === undefined ? help : `did you mean ${meant}? See ${help}` };
}
