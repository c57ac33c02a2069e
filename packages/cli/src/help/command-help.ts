import { type ExitName, exitCodes } from '@govctl/core/api';
import type { Command as CommanderCommand } from 'commander';
import type { Command, Entry } from '../command.ts';
import { helpTopics } from './topic.ts';

/** Examples, exit codes worth knowing and where to go on, under commander's own help. */
export function addHelp(commander: CommanderCommand, entry: Entry | undefined): void {
  commander.configureHelp({ sortSubcommands: false, sortOptions: false, subcommandTerm: (subcommand) => subcommand.name() });
  if (entry === undefined) {
    commander.description('Promote data and models with evidence anybody can check offline.');
    commander.addHelpText('after', `\nTopics: govctl help ${Object.keys(helpTopics).join(' | ')}`);
  } else if (entry.kind === 'command') commander.addHelpText('after', () => commandText(entry));
}

function commandText({ declaration }: Command): string {
  const width = Math.max(0, ...declaration.examples.map((example) => example.command.length));
  const examples = declaration.examples.map((example) =>
    width > 60 ? `  # ${example.what}\n  ${example.command}` : `  ${example.command.padEnd(width)}  # ${example.what}`,
  );
  const parts = examples.length === 0 ? [] : ['', 'Examples:', ...examples];
  if (declaration.exits !== undefined)
    parts.push('', `Exits: 0 ok, ${declaration.exits.map((name) => exitText(name)).join(', ')} (govctl help exit-codes)`);
  if (declaration.formats !== undefined)
    parts.push('', `Output: -o table, json, yaml, ndjson, name; of its own: ${declaration.formats.join(', ')}`);
  parts.push(
    '',
    'Flags of every command (govctl --help): --context --config --socket -o --field -q --no-color --timeout -y --no-input',
    '',
  );
  return parts.join('\n');
}

function exitText(name: ExitName): string {
  return `${exitCodes[name].code} ${name}`;
}
