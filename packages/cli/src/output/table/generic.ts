import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid, pairs } from './grid.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isFlat = (value: unknown): boolean => !isFields(value) && !(Array.isArray(value) && value.some(isFields));

/** Any document as text, without knowing its kind: plain fields first, then each object and each list under its name. */
export function genericTable(document: Document, paint: Paint): string {
  const { schemaVersion: _version, kind: _kind, next_cursor: nextCursor, ...fields } = document;
  const text = Array.isArray(fields.items) && Object.keys(fields).length === 1 ? list(fields.items, paint) : block(fields, paint, '');
  return typeof nextCursor === 'string' ? `${text}more: --cursor ${nextCursor}\n` : text;
}

function list(items: readonly unknown[], paint: Paint): string {
  if (items.length === 0) return 'none\n';
  if (!items.every(isFields)) return items.map((item) => `${String(item)}\n`).join('');
  const columns = [...new Set(items.flatMap((item) => Object.keys(item).filter((key) => items.every((other) => isFlat(other[key])))))];
  return grid(
    columns,
    items.map((item) => columns.map((column) => item[column])),
    paint,
  );
}

function block(fields: Fields, paint: Paint, indent: string): string {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  let text = pairs(
    entries.filter(([, value]) => isFlat(value)),
    paint,
    indent,
  );
  for (const [name, value] of entries) {
    if (isFields(value)) text += `${indent}${paint.strong(name)}\n${block(value, paint, `${indent}  `)}`;
    else if (!isFlat(value) && Array.isArray(value))
      text += `${indent}${paint.strong(name)}\n${indented(list(value, paint), `${indent}  `)}`;
  }
  return text;
}

function indented(text: string, indent: string): string {
  return text.replace(/^(?=.)/gm, indent);
}
