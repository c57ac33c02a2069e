import { type ExitName, Problem } from '@govctl/core/api';
import { gateFormats, type OutputFormat, outputFormats } from '../flag.ts';
import type { Io } from '../io/io.ts';
import { formatField } from './field.ts';
import { formatJson, formatNdjson } from './json.ts';
import { namesOf } from './name.ts';
import { createPaint } from './paint.ts';
import type { CommandResult, Document } from './result.ts';
import { renderTable } from './table/table.ts';

export type OutputOptions = {
  /** One of outputFormats, or one of the command's own. */
  readonly format: string;
  readonly field: string | undefined;
};

/**
 * The format that was asked for: `-o`, then GOVCTL_OUTPUT, then table.
 * @throws Problem `usage` for a format this command does not have, or one that leaves nothing for `--field`; before any work is done
 */
export function outputFormat(asked: string | undefined, own: readonly string[], field?: string): string {
  const known: readonly string[] = [...outputFormats, ...own];
  const format = asked ?? 'table';
  if (own.includes(format) && field !== undefined)
    throw new Problem('usage', { detail: `--field picks out of a document, and -o ${format} is a report`, hint: 'leave one of them out' });
  if (known.includes(format)) return format;
  if ((gateFormats as readonly string[]).includes(format))
    throw new Problem('usage', {
      detail: `-o ${format} reports the answers of gates, and this command has none`,
      hint: `-o ${known.join('|')} here; reports: promote --dry-run, gate check, decision get, decision replay, candidate activate`,
    });
  throw new Problem('usage', { detail: `there is no output format ${JSON.stringify(format)} here`, hint: `-o ${known.join('|')}` });
}

/** Formats that programs read: nothing else may stand between them and their reader. */
export function isMachineFormat(format: string): boolean {
  return !['table', 'name', 'html'].includes(format);
}

/** Prints what a command returned, in the one way that was asked for, and says how it ended. */
export async function render(result: CommandResult, options: OutputOptions, io: Io): Promise<ExitName> {
  if ('text' in result) {
    await io.streams.stdout.write(result.text);
    return result.exit ?? 'ok';
  }
  if ('bytes' in result) {
    for await (const chunk of result.bytes) await io.streams.stdout.write(chunk);
    return result.exit ?? 'ok';
  }
  if ('stream' in result) {
    for await (const item of result.stream) await io.streams.stdout.write(await formatStreamed(item, result.line, options, io));
    return result.exit?.() ?? 'ok';
  }
  const own = result.renderings?.[options.format];
  await io.streams.stdout.write(own === undefined ? await formatDocument(result, options, io) : own());
  return result.exit ?? 'ok';
}

type Shown = Extract<CommandResult, { readonly document: unknown }>;

async function formatDocument({ document, names, table }: Shown, options: OutputOptions, io: Io): Promise<string> {
  if (options.field !== undefined) return formatField(document, options.field);
  switch (options.format as OutputFormat) {
    case 'json':
      return formatJson(document);
    case 'ndjson':
      return Array.isArray(document.items) ? document.items.map(formatNdjson).join('') : formatNdjson(document);
    case 'yaml': {
      const { formatYaml } = await import('./yaml.ts');
      return formatYaml(document);
    }
    case 'name':
      return (names ?? namesOf(document)).map((name) => `${name}\n`).join('');
    case 'table': {
      return table === undefined ? renderTable(document, io.color.stdout) : table(await createPaint(io.color.stdout));
    }
  }
}

/** In a stream every object stands alone: a line for JSON, a document of its own for YAML. */
async function formatStreamed(
  item: Readonly<Record<string, unknown>>,
  line: ((item: Readonly<Record<string, unknown>>) => string | null) | undefined,
  options: OutputOptions,
  io: Io,
): Promise<string> {
  if (options.field !== undefined) return formatField(item, options.field);
  if (options.format === 'json' || options.format === 'ndjson') return formatNdjson(item);
  const told = options.format === 'table' ? line?.(item) : undefined;
  if (typeof told === 'string') return `${told}\n`;
  const text = await formatDocument({ document: item as Document }, options, io);
  return options.format === 'yaml' ? `---\n${text}` : text;
}
