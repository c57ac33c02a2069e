import { type Paint, paintWord } from '../paint.ts';

/** Untrusted text on a terminal: control characters, escape sequences and bidi overrides are shown, not obeyed. */
export function plain(text: string): string {
  return text.replace(
    /(?![\t\n])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'string') return plain(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null))
    return value.length === 0 ? '-' : value.map(cellText).join(', ');
  return plain(JSON.stringify(value));
}

/** `name  value` lines, the names aligned. */
export function pairs(entries: readonly (readonly [name: string, value: unknown])[], paint: Paint, indent = ''): string {
  const named = entries.map(([name, value]) => [plain(name), value] as const);
  const width = Math.max(0, ...named.map(([name]) => name.length));
  return named.map(([name, value]) => `${indent}${paint.faint(name.padEnd(width))}  ${paintWord(paint, cellText(value))}\n`).join('');
}
