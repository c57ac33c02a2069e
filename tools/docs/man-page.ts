import { z } from 'zod';
import type { daemonProgram } from '../../packages/agent/src/program.ts';
import type { Command, Entry } from '../../packages/cli/src/command.ts';
import { type Flag, globalFlags } from '../../packages/cli/src/flag.ts';
import { environmentVariables } from '../../packages/cli/src/help/environment.ts';
import { contextsText, formattingText, outputText } from '../../packages/cli/src/help/topic-text.ts';
import { exitCodes } from '../../packages/core/src/api/exit-code.ts';
import { configKinds } from '../../packages/core/src/config/index.ts';
import { heading, item, literal, manPage, paragraphs, seeAlso, subheading } from './roff.ts';
import { fieldRows } from './schema-table.ts';

type DaemonCommand = ReturnType<typeof daemonProgram>;

const exitCodePage = ['govctl-exit-codes', 7] as const;
const outputPage = ['govctl-output', 7] as const;

function flagItem([name, flag]: [string, Flag]): string[] {
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  const bare = flag.type === 'string' ? flag.bare : undefined;
  const value = flag.type === 'boolean' ? '' : bare === undefined ? ` ${flag.value}` : `[=${flag.value}]`;
  const notes = [
    ...('required' in flag && flag.required === true ? ['Required.'] : []),
    ...('choices' in flag && flag.choices !== undefined ? [`One of ${flag.choices.join(', ')}.`] : []),
    ...('default' in flag && flag.default !== undefined ? [`Default ${flag.default}.`] : []),
    ...(bare === undefined ? [] : [`${bare} when given alone.`]),
    ...(flag.type === 'list' ? ['May be repeated.'] : []),
    ...(flag.env === undefined ? [] : [`Environment: ${flag.env}.`]),
  ];
  return item(`${short}--${name}${value}`, [`${flag.summary}.`, ...notes].join(' '));
}

const shown = (flags: Readonly<Record<string, Flag>>) => Object.entries(flags).filter(([, flag]) => flag.hidden !== true);

function usageOf(path: string, { declaration }: Command): string {
  const args = Object.entries(declaration.args ?? {}).map(([name, { optional, variadic }]) => {
    const text = `${name.toUpperCase()}${variadic === true ? '...' : ''}`;
    return optional === true ? `[${text}]` : text;
  });
  return ['govctl', path, ...args, ...(shown(declaration.flags ?? {}).length === 0 ? [] : ['[FLAGS]'])].join(' ');
}

function commandParts(command: Command): string[] {
  const { declaration } = command;
  return [
    ...paragraphs(declaration.description ?? `${declaration.summary}.`),
    ...Object.entries(declaration.args ?? {}).flatMap(([name, { summary }]) => item(name.toUpperCase(), `${summary}.`)),
    ...shown(declaration.flags ?? {}).flatMap(flagItem),
    ...(declaration.formats === undefined ? [] : ['.PP', ...paragraphs(`Output formats of its own: ${declaration.formats.join(', ')}.`)]),
    ...(declaration.exits === undefined
      ? []
      : ['.PP', ...paragraphs(`Exits: ${declaration.exits.map((name) => `${exitCodes[name].code} ${name}`).join(', ')}.`)]),
    ...(declaration.examples.length === 0 ? [] : literal(declaration.examples.flatMap(({ command: line, what }) => [`# ${what}`, line]))),
  ];
}

function entryPage(entry: Entry): { name: string; section: number; summary: string; body: string[] } {
  const name = entry.kind === 'command' ? entry.declaration.name : entry.name;
  const commands = entry.kind === 'command' ? [entry] : entry.commands.filter(({ declaration }) => declaration.hidden !== true);
  const path = (command: Command) => (entry.kind === 'command' ? name : `${name} ${command.declaration.name}`);
  const body = [
    heading('SYNOPSIS'),
    ...literal(commands.map((command) => usageOf(path(command), command))).slice(1),
    heading(entry.kind === 'command' ? 'DESCRIPTION' : 'COMMANDS'),
    ...commands.flatMap((command) => [...(entry.kind === 'command' ? [] : [subheading(path(command))]), ...commandParts(command)]),
    ...seeAlso([['govctl', 1], exitCodePage, outputPage]),
  ];
  return { name: `govctl-${name}`, section: 1, summary: entry.kind === 'command' ? entry.declaration.summary : entry.summary, body };
}

const nameOf = (entry: Entry) => (entry.kind === 'command' ? entry.declaration.name : entry.name);
const exitItems = Object.entries(exitCodes).flatMap(([name, { code, when }]) =>
  item(`${name === 'cancelled' ? '130, 143' : code} ${name}`, `${when}.`),
);

function configBody(kind: keyof typeof configKinds, before: string): string[] {
  const schema = z.toJSONSchema(configKinds[kind], { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
  const fields = fieldRows(schema).flatMap(({ path, type, required, note }) =>
    item(path, [`${type.replaceAll('\\|', '|')}${required ? ', required' : ''}.`, note.replaceAll('\\|', '|')].join(' ').trim()),
  );
  return [heading('DESCRIPTION'), ...paragraphs(before), heading('SETTINGS'), ...fields];
}

function daemonBody(program: DaemonCommand): string[] {
  const leaves = program.commands.flatMap((one) => (one.commands.length === 0 ? [one] : one.commands));
  const pathOf = (one: DaemonCommand) => (one.parent === program ? one.name() : `${one.parent?.name()} ${one.name()}`);
  const usage = leaves.map((one) => `govd ${pathOf(one)}${one.options.length === 0 ? '' : ' [OPTIONS]'}`);
  const parts = leaves.flatMap((one) => [
    subheading(pathOf(one)),
    ...paragraphs(`${one.description()}.`),
    ...one.options.flatMap(({ flags, description, defaultValue, mandatory }) =>
      item(flags, `${description}.${mandatory ? ' Required.' : ''}${typeof defaultValue === 'string' ? ` Default ${defaultValue}.` : ''}`),
    ),
  ]);
  return [
    heading('SYNOPSIS'),
    ...literal(usage).slice(1),
    heading('DESCRIPTION'),
    ...paragraphs(program.description()),
    heading('COMMANDS'),
    ...parts,
  ];
}

/** `docs/man/*`: from the declarations of both programs, their settings and their exit codes. */
export function manPages(
  program: readonly Entry[],
  daemon: DaemonCommand,
  daemonExits: Readonly<Record<string, number>>,
  version: string,
): Map<string, string> {
  const listed = program.filter((entry) => entry.kind === 'noun' || entry.declaration.hidden !== true);
  const pages = [
    {
      name: 'govctl',
      section: 1,
      summary: 'promote data and models with evidence anybody can check offline',
      body: [
        heading('SYNOPSIS'),
        ...literal(['govctl COMMAND [ARGUMENTS] [FLAGS]', 'govctl help [TOPIC | COMMAND]']).slice(1),
        heading('COMMANDS'),
        ...listed.flatMap((entry) => item(nameOf(entry), `${entry.kind === 'command' ? entry.declaration.summary : entry.summary}.`)),
        heading('OPTIONS'),
        ...paragraphs('Flags of every command; each may stand before or after the verb.'),
        ...shown(globalFlags).flatMap(flagItem),
        heading('ENVIRONMENT'),
        ...environmentVariables().flatMap(({ name, meaning }) => item(name, `${meaning}.`)),
        heading('CONTEXTS'),
        ...literal(contextsText.trimEnd().split('\n')).slice(1),
        heading('EXIT STATUS'),
        ...exitItems,
        ...seeAlso([
          ...listed.map((entry) => [`govctl-${nameOf(entry)}`, 1] as const),
          exitCodePage,
          outputPage,
          ['govctl-config', 5],
          ['govd', 8],
        ]),
      ],
    },
    ...listed.map(entryPage),
    {
      name: 'govctl-exit-codes',
      section: 7,
      summary: 'what each exit code of govctl means',
      body: [
        heading('DESCRIPTION'),
        ...paragraphs(
          'A public API: a number never changes its meaning. Verdicts print their object on standard output; after an error it is empty.',
        ),
        ...exitItems,
        ...seeAlso([['govctl', 1]]),
      ],
    },
    {
      name: 'govctl-output',
      section: 7,
      summary: 'output formats, fields, colour and streams of govctl',
      body: [
        heading('DESCRIPTION'),
        ...literal(`${outputText()}\n${formattingText}`.trimEnd().split('\n')).slice(1),
        ...seeAlso([['govctl', 1], exitCodePage]),
      ],
    },
    {
      name: 'govctl-config',
      section: 5,
      summary: 'configuration of govctl',
      body: [
        ...configBody(
          'CliConfig',
          '~/.config/govctl/config.yaml, or the file that --config or GOVCTL_CONFIG names. Relative paths are relative to the file. It is closed: an unknown setting is an error.',
        ),
        ...seeAlso([['govctl', 1]]),
      ],
    },
    {
      name: 'govd',
      section: 8,
      summary: 'decides, promotes and keeps the evidence',
      body: [
        ...daemonBody(daemon),
        heading('EXIT STATUS'),
        ...item('0', 'Done, or stopped as asked.'),
        ...item('1', 'A bug.'),
        ...item(String(exitCodes.usage.code), 'A command line that is none.'),
        ...Object.entries(daemonExits).flatMap(([name, code]) => item(String(code), `${name} (sysexits.h).`)),
        ...seeAlso([
          ['govd.yaml', 5],
          ['govctl', 1],
        ]),
      ],
    },
    {
      name: 'govd.yaml',
      section: 5,
      summary: 'configuration of govd',
      body: [
        ...configBody(
          'GovdConfig',
          'In the state folder of the daemon. It is closed: an unknown setting is an error. govctl config validate FILE lists everything that is wrong; SIGHUP reads it again.',
        ),
        ...seeAlso([
          ['govd', 8],
          ['govctl', 1],
        ]),
      ],
    },
  ];
  return new Map(pages.map((page) => [`man/${page.name}.${page.section}`, manPage(page, version)]));
}
