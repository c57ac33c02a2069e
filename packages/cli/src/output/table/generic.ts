import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { cellText, pairs, plain } from './text.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isFlat = (value: unknown): boolean => !isFields(value) && !(Array.isArray(value) && value.some(isFields));

/** Any document as text, without knowing its kind: plain fields first, then each object and each list under its name. */
export async function genericTable(document: Document, paint: Paint): Promise<string> {
  const { schemaVersion: _version, kind: _kind, next_cursor: nextCursor, ...fields } = document;
  const text =
    Array.isArray(fields.items) && Object.keys(fields).length === 1 ? await list(fields.items, paint) : await block(fields, paint, '');
  return typeof nextCursor === 'string' ? `${text}more: --cursor ${nextCursor}\n` : text;
}

async function list(items: readonly unknown[], paint: Paint): Promise<string> {
  if (items.length === 0) return 'none\n';
  if (!items.every(isFields)) return items.map((item) => `${cellText(item)}\n`).join('');
  const columns = [...new Set(items.flatMap((item) => Object.keys(item).filter((key) => items.every((other) => isFlat(other[key])))))];
  // A record of plain fields needs no table library.
  const { grid } = await import('./grid.ts');
  return grid(
    columns,
    items.map((item) => columns.map((column) => item[column])),
    paint,
  );
}

async function block(fields: Fields, paint: Paint, indent: string): Promise<string> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  let text = pairs(
    entries.filter(([, value]) => isFlat(value)),
    paint,
    indent,
  );
  for (const [name, value] of entries) {
    if (isFields(value)) text += `${indent}${paint.strong(plain(name))}\n${await block(value, paint, `${indent}  `)}`;
    else if (!isFlat(value) && Array.isArray(value))
      text += `${indent}${paint.strong(plain(name))}\n${indented(await list(value, paint), `${indent}  `)}`;
  }
  return text;
}

function indented(text: string, indent: string): string {
  return text.replace(/^(?=.)/gm, indent);
}
