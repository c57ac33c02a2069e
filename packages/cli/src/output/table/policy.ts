import type { PackDiff } from '@govctl/core/policy';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { cellText } from './text.ts';

/** What changes for those who are judged: a line a rule, and under it what was and what is. */
export function policyDiffTable(document: Document, paint: Paint): string {
  const { name, version, added, removed, changed } = document as unknown as PackDiff;
  const title = `${cellText(name.from)} ${cellText(version.from)} -> ${cellText(name.to)} ${cellText(version.to)}\n`;
  if (added.length + removed.length + changed.length === 0) return `${title}no rule differs\n`;
  const lines = [
    ...removed.map((rule) => paint.bad(`- ${cellText(rule)}`)),
    ...added.map((rule) => paint.good(`+ ${cellText(rule)}`)),
    ...changed.flatMap(({ rule, changes }) => [
      paint.wait(`~ ${cellText(rule)}`),
      ...changes.flatMap(({ field, from, to }) => [
        `    ${paint.faint(field)}`,
        `      ${paint.bad(`- ${cellText(from)}`)}`,
        `      ${paint.good(`+ ${cellText(to)}`)}`,
      ]),
    ]),
  ];
  return `${title}${lines.join('\n')}\n`;
}
