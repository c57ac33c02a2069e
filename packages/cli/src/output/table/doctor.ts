import { type Paint, paintWord } from '../paint.ts';
import type { Document } from '../result.ts';
import { plain } from './text.ts';

type Check = { name: string; status: string; detail: string; fix: string | null };

/** A line a check, and the mend under what needs one. */
export function doctorTable(document: Document, paint: Paint): string {
  const checks = document.checks as readonly Check[];
  const width = Math.max(0, ...checks.map((check) => check.name.length));
  const lines = checks.flatMap(({ name, status, detail, fix }) => [
    `${paintWord(paint, status)}  ${plain(name).padEnd(width)}  ${plain(detail)}`,
    ...(fix === null ? [] : [`${' '.repeat(width + 8)}fix: ${plain(fix)}`]),
  ]);
  const failed = checks.filter((check) => check.status === 'fail').length;
  return `${lines.join('\n')}\n${failed === 0 ? 'nothing is wrong' : `${failed} ${failed === 1 ? 'check fails' : 'checks fail'}`}\n`;
}
