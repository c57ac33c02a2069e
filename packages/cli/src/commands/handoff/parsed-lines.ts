import type { Readable } from 'node:stream';
import { Problem, parseStrictJson } from '@govctl/core/api';
import { csvParser, type LineParser, lineLimit, ndjsonParser, type ParsedLine } from '@govctl/core/handoff';
import { readLines } from './line-source.ts';

export type ImportFormat = 'ndjson' | 'csv';

export function formatOf(name: string): ImportFormat {
  return /\.csv(\.gz)?$/i.test(name) ? 'csv' : 'ndjson';
}

function parseJson(text: string): unknown {
  return parseStrictJson(Buffer.from(text), { maxBytes: lineLimit * 4 });
}

/**
 * Every line of the source, judged; blank ones are left out.
 * @throws Problem `usage` when the source is no text, or a csv without a proper header
 */
export async function* parsedLines(
  stream: Readable,
  name: string,
  format: ImportFormat,
): AsyncGenerator<ParsedLine & { readonly kind: 'line' | 'bad' }> {
  let parser: LineParser | null = format === 'ndjson' ? ndjsonParser(parseJson) : null;
  for await (const { number, text, fault } of readLines(stream, name)) {
    if (text === null) {
      yield { kind: 'bad', number, reason: fault ?? 'not readable', text: '' };
      continue;
    }
    if (parser === null) {
      try {
        parser = csvParser(text, parseJson);
      } catch (cause) {
        throw new Problem('usage', {
          detail: `${name}: ${(cause as Error).message}`,
          hint: 'change,object_key,object_type,born_at,payload',
          cause,
        });
      }
      continue;
    }
    const parsed = parser(text, number);
    if (parsed.kind !== 'blank') yield parsed;
  }
}
