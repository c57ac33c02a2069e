import Table from 'cli-table3';
import { type Paint, paintWord } from '../paint.ts';
import { cellText, plain } from './text.ts';

/** Columns without lines between them: readable, and easy on `awk`. */
export function grid(columns: readonly string[], rows: readonly (readonly unknown[])[], paint: Paint): string {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  };
  const table = new Table({
    chars: { ...none, left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push(columns.map((column) => paint.strong(plain(column.replaceAll('_', ' ').toUpperCase()))));
  for (const row of rows) table.push(row.map((value) => paintWord(paint, cellText(value))));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}
