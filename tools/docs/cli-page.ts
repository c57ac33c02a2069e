import type { Command, Entry } from '../../packages/cli/src/command.ts';
import { type Flag, globalFlags } from '../../packages/cli/src/flag.ts';
import { formatMeanings } from '../../packages/cli/src/help/output-format.ts';
import { formattingText } from '../../packages/cli/src/help/topic-text.ts';
import { exitCodes } from '../../packages/core/src/api/exit-code.ts';

const cell = (text: string) => text.replaceAll('|', '\\|');

function flagLine([name, flag]: [string, Flag]): string {
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  const bare = flag.type === 'string' ? flag.bare : undefined;
  const value = flag.type === 'boolean' ? '' : bare === undefined ? ` ${flag.value}` : `[=${flag.value}]`;
  const notes = [
    ...('required' in flag && flag.required === true ? ['required'] : []),
    ...('choices' in flag && flag.choices !== undefined ? [`one of ${flag.choices.join(', ')}`] : []),
    ...('default' in flag && flag.default !== undefined ? [`default ${flag.default}`] : []),
    ...(bare === undefined ? [] : [`${bare} when given alone`]),
    ...(flag.type === 'list' ? ['may be repeated'] : []),
    ...(flag.env === undefined ? [] : [`env \`${flag.env}\``]),
  ];
  return `| \`${short}--${name}${value}\` | ${cell(flag.summary)}${notes.length === 0 ? '' : ` (${cell(notes.join('; '))})`} |\n`;
}

function flagTable(flags: readonly [string, Flag][]): string {
  const shown = flags.filter(([, flag]) => flag.hidden !== true);
  return shown.length === 0 ? '' : `| flag | |\n|---|---|\n${shown.map(flagLine).join('')}\n`;
}

function commandSection(path: string, { declaration }: Command): string {
  const args = Object.entries(declaration.args ?? {});
  const usage = args.map(([name, { optional, variadic }]) => {
    const text = `${name.toUpperCase()}${variadic === true ? '...' : ''}`;
    return optional === true ? ` [${text}]` : ` ${text}`;
  });
  const exits = declaration.exits ?? [];
  return [
    `## ${path}\n\n${declaration.description ?? `${declaration.summary}.`}\n\n\`\`\`\ngovctl ${path}${usage.join('')}\n\`\`\`\n\n`,
    args.length === 0
      ? ''
      : `| argument | |\n|---|---|\n${args.map(([name, { summary }]) => `| \`${name.toUpperCase()}\` | ${cell(summary)} |\n`).join('')}\n`,
    flagTable(Object.entries(declaration.flags ?? {})),
    `\`\`\`sh\n${declaration.examples.map(({ command, what }) => `# ${what}\n${command}\n`).join('')}\`\`\`\n\n`,
    declaration.formats === undefined
      ? ''
      : `Output formats of its own: ${declaration.formats.map((format) => `\`-o ${format}\``).join(', ')}.\n\n`,
    exits.length === 0 ? '' : `Exits: ${exits.map((name) => `${exitCodes[name].code} (${exitCodes[name].when})`).join('; ')}.\n\n`,
  ].join('');
}

/** `docs/cli/<noun>.md` for each entry, and the index. */
export function cliPages(program: readonly Entry[]): Map<string, string> {
  const pages = new Map<string, string>();
  const index: string[] = [];
  for (const entry of program) {
    if (entry.kind === 'command' && entry.declaration.hidden === true) continue;
    const name = entry.kind === 'command' ? entry.declaration.name : entry.name;
    const commands = entry.kind === 'command' ? [entry] : entry.commands.filter(({ declaration }) => declaration.hidden !== true);
    const summary = entry.kind === 'command' ? entry.declaration.summary : entry.summary;
    const path = (command: Command) => (entry.kind === 'command' ? name : `${name} ${command.declaration.name}`);
    pages.set(
      `cli/${name}.md`,
      `# govctl ${name}\n\n${summary}.\n\n${commands.map((command) => commandSection(path(command), command)).join('')}`,
    );
    index.push(...commands.map((command) => `| [\`${path(command)}\`](${name}.md) | ${cell(command.declaration.summary)} |\n`));
  }
  pages.set(
    'cli/README.md',
    `# govctl\n\nEvery command, in the order of \`govctl --help\`. Exit codes: [exit-codes.md](exit-codes.md). Output: [output.md](output.md). Manual pages: [../man](../man).\n\n| command | |\n|---|---|\n${index.join('')}\n## Flags of every command\n\n${flagTable(Object.entries(globalFlags))}`,
  );
  pages.set('cli/exit-codes.md', exitCodePage());
  pages.set('cli/output.md', outputPage());
  return pages;
}

function outputPage(): string {
  const rows = Object.entries(formatMeanings).map(([name, meaning]) => `| \`-o ${name}\` | ${cell(meaning)} |\n`);
  return `# Output of govctl\n\n\`-o FORMAT\`, or \`GOVCTL_OUTPUT\`. sarif, junit and github are of commands that show answers of gates; every other one refuses them before it does anything.\n\n| format | |\n|---|---|\n${rows.join('')}\n${formattingText.replace(/((?:^ {2}.*\n)+)/m, '```\n$1```\n')}`;
}

function exitCodePage(): string {
  const rows = Object.entries(exitCodes).map(
    ([name, { code, when }]) => `| ${name === 'cancelled' ? '130, 143' : code} | ${name} | ${cell(when)} |\n`,
  );
  return `# Exit codes of govctl\n\nA public API: a number never changes its meaning. Verdicts print their object on standard output; after an error it is empty.\n\n| code | name | when |\n|---|---|---|\n${rows.join('')}`;
}
