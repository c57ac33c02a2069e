import { faultText, readAs } from '../api/fault.ts';
import { type BirthLine, birthLineSchema } from './birth-line.ts';

/** What became of a line of an import. `number` counts from 1, as editors do; blank lines are `blank`. */
export type ParsedLine =
  | { readonly kind: 'line'; readonly number: number; readonly line: BirthLine }
  | { readonly kind: 'bad'; readonly number: number; readonly reason: string; readonly text: string }
  | { readonly kind: 'blank'; readonly number: number };

export type LineParser = (text: string, number: number) => ParsedLine;

/** Longer lines are refused before they are parsed: a line is one announcement. */
export const lineLimit = 65_536;
const shown = 200;

function bad(text: string, number: number, reason: string): ParsedLine {
  return { kind: 'bad', number, reason, text: text.length > shown ? `${text.slice(0, shown)}...` : text };
}

function check(value: unknown, text: string, number: number): ParsedLine {
  const read = readAs(birthLineSchema, value);
  if (read.ok) return { kind: 'line', number, line: read.value };
  return bad(text, number, faultText(read.faults));
}

/**
 * Parses a line of newline-delimited JSON. `parseJson` is the strict parser of the caller's choice (duplicate names refused).
 */
export function ndjsonParser(parseJson: (text: string) => unknown): LineParser {
  return (text, number) => {
    if (text.trim() === '') return { kind: 'blank', number };
    if (text.length > lineLimit) return bad(text, number, `longer than ${lineLimit} characters`);
    let value: unknown;
    try {
      value = parseJson(text);
    } catch (error) {
      return bad(text, number, `not JSON: ${(error as Error).message}`);
    }
    return check(value, text, number);
  };
}

const columns = ['change', 'object_key', 'object_type', 'born_at', 'payload'] as const;
const required = ['change', 'object_key', 'object_type', 'born_at'] as const;

/** Splits a CSV record (RFC 4180, without line breaks inside quotes); null when its quotes do not close. */
function splitCsv(text: string): string[] | null {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = '';
      at += 1;
      for (;;) {
        const quote = text.indexOf('"', at);
        if (quote === -1) return null;
        field += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        field += '"';
        at += 1;
      }
      if (at < text.length && text[at] !== ',') return null;
      fields.push(field);
    } else {
      const comma = text.indexOf(',', at);
      const end = comma === -1 ? text.length : comma;
      const field = text.slice(at, end);
      if (field.includes('"')) return null;
      fields.push(field);
      at = end;
    }
    if (at >= text.length) return fields;
    at += 1;
  }
}

/**
 * Parses CSV lines. The first record names the columns, in any order; a payload is JSON text in its column.
 * @throws Error when the header lacks a column or has one twice or too many.
 */
export function csvParser(header: string, parseJson: (text: string) => unknown): LineParser {
  const names = splitCsv(header.replace(/^\uFEFF/, '').trimEnd());
  if (
    names === null ||
    required.some((name) => !names.includes(name)) ||
    names.some((name) => !(columns as readonly string[]).includes(name)) ||
    new Set(names).size < names.length
  ) {
    throw new Error(`the first line must name the columns ${required.join(',')} and may name payload, each once`);
  }
  return (text, number) => {
    if (text.trim() === '') return { kind: 'blank', number };
    if (text.length > lineLimit) return bad(text, number, `longer than ${lineLimit} characters`);
    const fields = splitCsv(text.replace(/\r$/, ''));
    if (fields === null) return bad(text, number, 'a quote does not close, or stands inside an unquoted field');
    if (fields.length !== names.length) return bad(text, number, `${fields.length} fields where the header has ${names.length}`);
    const value: Record<string, unknown> = {};
    for (const [index, name] of names.entries()) {
      const field = fields[index] ?? '';
      if (name !== 'payload') value[name] = field;
      else if (field !== '') {
        try {
          value[name] = parseJson(field);
        } catch (error) {
          return bad(text, number, `payload is not JSON: ${(error as Error).message}`);
        }
      }
    }
    return check(value, text, number);
  };
}
