import type { PackDiff } from '@govctl/core/policy';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';
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

type Replay = {
  readonly candidate: { readonly name: string; readonly version: string };
  readonly since: string | null;
  readonly decisions: number;
  readonly compared: number;
  readonly unconcerned: number;
  readonly unusable: number;
  readonly flips: number;
  readonly truncated: boolean;
  readonly items: readonly {
    readonly run_id: string;
    readonly recorded_at: string;
    readonly dataset_id: string;
    readonly to_layer: string;
    readonly before: string;
    readonly after: string;
    readonly rules: readonly { readonly code: string; readonly before: string; readonly after: string }[];
  }[];
};

/** Which past verdicts would have been others, and by which rules. */
export function policyReplayTable(document: Document, paint: Paint): string {
  const { candidate, since, decisions, compared, unconcerned, unusable, flips, items, truncated } = document as unknown as Replay;
  const what = `${flips} of ${compared} ${compared === 1 ? 'decision' : 'decisions'} would flip under ${candidate.name} ${candidate.version}`;
  const seen = `${decisions} looked at${since === null ? '' : ` since ${since}`}: ${unconcerned} did not ask this pack, ${unusable} cannot be compared`;
  const rows = items.map((item) => [
    item.recorded_at,
    item.run_id,
    `${item.dataset_id} ${item.to_layer}`,
    `${item.before} -> ${item.after}`,
    item.rules.map(({ code, before, after }) => `${code}: ${before} -> ${after}`).join('; '),
  ]);
  return [
    `${flips === 0 ? paint.good(cellText(what)) : paint.bad(cellText(what))}\n`,
    `${cellText(seen)}\n`,
    rows.length === 0 ? '' : grid(['recorded', 'run', 'target', 'verdict', 'rules'], rows, paint),
    truncated ? `and ${flips - items.length} more\n` : '',
  ].join('');
}
