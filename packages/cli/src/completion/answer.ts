import type { ImportKind } from '@govctl/core/quality';
import type { Command, Entry } from '../command.ts';
import { type Completes, type Flag, type Flags, globalFlags, outputFormats } from '../flag.ts';
import { formatMeanings } from '../help/output-format.ts';
import { helpTopics } from '../help/topic.ts';
import type { Surroundings } from '../run.ts';

export type Candidate = { readonly value: string; readonly description: string };
type Answer = readonly Candidate[] | 'files';

// Written out: completion loads nothing of core, so that TAB answers at once.
const qualityKinds = ['dbt', 'great-expectations', 'soda', 'junit', 'openlineage'] as const satisfies readonly ImportKind[];

/** What may stand at the end of these words. The last word is the one being typed, empty when it has not begun. */
function candidatesAt(
  entries: readonly Entry[],
  words: readonly string[],
): { readonly fixed: Answer; readonly ids?: Completes; readonly prefix: string } {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, options, positionals, level } = walk(entries, before);

  const joined = /^(--[a-z-]+)=(.*)$/.exec(typed);
  const valued = joined === null ? flagAwaiting(before.at(-1), options) : flagNamed(joined[1] ?? '', options);
  if (valued !== undefined && valued.type !== 'boolean') {
    const prefix = joined === null ? '' : `${joined[1]}=`;
    return { prefix, ...valuesOf(valued, options, command?.declaration.formats ?? []) };
  }
  if (typed.startsWith('-')) return { prefix: '', fixed: flagCandidates(options) };
  if (command === undefined) return { prefix: '', fixed: level.map(entryCandidate) };
  const declared = Object.values(command.declaration.args ?? {});
  const argument = declared[positionals] ?? (declared.at(-1)?.variadic === true ? declared.at(-1) : undefined);
  if (argument?.completes === undefined) return { prefix: '', fixed: [] };
  return { prefix: '', ...completed(argument.completes) };
}

function walk(entries: readonly Entry[], words: readonly string[]) {
  let level: readonly Entry[] = entries;
  let command: Command | undefined;
  let positionals = 0;
  let skip = false;
  for (const word of words) {
    const options: Flags = { ...globalFlags, ...command?.declaration.flags };
    if (skip) skip = false;
    else if (word.startsWith('-')) skip = flagAwaiting(word, options) !== undefined;
    else if (command !== undefined) positionals += 1;
    else {
      const entry = level.find((candidate) => nameOf(candidate) === word);
      if (entry === undefined) return { level: [], command, options, positionals };
      if (entry.kind === 'command') command = entry;
      else level = entry.commands;
    }
  }
  return { level, command, options: { ...globalFlags, ...command?.declaration.flags } as Flags, positionals };
}

const nameOf = (entry: Entry): string => (entry.kind === 'command' ? entry.declaration.name : entry.name);

function entryCandidate(entry: Entry): Candidate {
  return { value: nameOf(entry), description: entry.kind === 'command' ? entry.declaration.summary : entry.summary };
}

function flagNamed(dashes: string, options: Flags): Flag | undefined {
  const long = dashes.startsWith('--') ? dashes.slice(2) : undefined;
  if (long !== undefined) return Object.hasOwn(options, long) ? options[long] : undefined;
  return Object.values(options).find((flag) => flag.short !== undefined && `-${flag.short}` === dashes);
}

/** The flag whose value the next word is. One that may stand bare takes its value only after `=`. */
function flagAwaiting(word: string | undefined, options: Flags): Flag | undefined {
  if (word === undefined || !word.startsWith('-') || word.includes('=')) return undefined;
  const flag = flagNamed(word, options);
  return flag === undefined || flag.type === 'boolean' || (flag.type === 'string' && flag.bare !== undefined) ? undefined : flag;
}

function valuesOf(flag: Exclude<Flag, { type: 'boolean' }>, options: Flags, own: readonly string[]): { fixed: Answer; ids?: Completes } {
  if (flag === options.output) {
    const meanings: Readonly<Record<string, string>> = formatMeanings;
    return { fixed: [...outputFormats, ...own].map((value) => ({ value, description: meanings[value] ?? '' })) };
  }
  if ('choices' in flag && flag.choices !== undefined) return { fixed: flag.choices.map((value) => ({ value, description: '' })) };
  return flag.completes === undefined ? { fixed: [] } : completed(flag.completes);
}

function completed(kind: Completes): { fixed: Answer; ids?: Completes } {
  switch (kind) {
    case 'file':
      return { fixed: 'files' };
    case 'shell':
      return { fixed: ['bash', 'zsh', 'fish'].map((value) => ({ value, description: '' })) };
    case 'quality-kind':
      return { fixed: qualityKinds.map((value) => ({ value, description: '' })) };
    case 'topic':
      return { fixed: Object.entries(helpTopics).map(([value, { summary }]) => ({ value, description: summary })) };
    default:
      return { fixed: [], ids: kind };
  }
}

function flagCandidates(options: Flags): Candidate[] {
  return Object.entries(options)
    .filter(([, flag]) => flag.hidden !== true)
    .map(([name, flag]) => ({ value: `--${name}`, description: flag.summary }));
}

/** The answer to `govctl __complete <shell> WORDS...`: never an error, never slow, never a prompt. */
export async function answerCompletion(entries: readonly Entry[], argv: readonly string[], around: Surroundings): Promise<string> {
  const [shell = '', ...rest] = argv;
  const words = shell === 'bash' ? splitLine(rest[0] ?? '').slice(1) : rest;
  const { fixed, ids, prefix } = candidatesAt(entries, words);
  if (fixed === 'files') return ':files\n';
  const typed = words.at(-1) ?? '';
  const dynamic = ids === undefined ? [] : await (await import('./ids.ts')).idsOf(ids, around);
  const offered = [...fixed, ...dynamic]
    .map(({ value, description }) => ({ value: `${prefix}${value}`, description }))
    .filter(({ value }) => value.startsWith(typed));
  // Bash completes only what follows the last : or = of the word.
  const done = shell === 'bash' ? typed.length - (/[^:=]*$/.exec(typed)?.[0].length ?? 0) : 0;
  return offered.map(({ value, description }) => `${value.slice(done)}\t${description.replace(/\s+/g, ' ')}\n`).join('');
}

/** Words of a line as a shell splits them, without expanding anything; the last one may be unfinished. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index] ?? '';
    if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === quote) quote = '';
    else if (character === '\\' && quote !== "'" && index + 1 < line.length) {
      index += 1;
      word = `${word ?? ''}${line[index] ?? ''}`;
    } else word = `${word ?? ''}${character}`;
  }
  return [...words, word ?? ''];
}
