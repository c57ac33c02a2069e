import type { GateAnswer } from '@govctl/core/decision';
import type { Paint } from '../paint.ts';
import { ageText } from './age.ts';
import { cellText, plain } from './text.ts';

type Answer = GateAnswer & { readonly asks?: string };

/** `full` shows of passing gates too what they asked and which evidence they saw; `dry_run` is a run that nobody asked for yet. */
type Detail = { readonly full: boolean; readonly dry_run?: string | undefined };

const outcomes: { readonly [O in GateAnswer['outcome']]: string } = {
  pass: 'pass',
  fail: 'fail',
  defer: 'defer',
  not_required: 'not asked',
};
const setAside: Readonly<Record<string, string>> = { waived: 'waived', overridden: 'overruled' };
const outcomeWidth = 9;

/**
 * Gates and rules, one after the other: outcome, code and reason, then what was expected and found, and for what fails or defers who
 * mends it and how. Colour repeats what the words say.
 */
export function answerLines(answers: readonly Answer[], paint: Paint, detail: Detail): string {
  const width = Math.max(0, ...answers.map(({ code }) => code.length));
  const indent = ' '.repeat(2 + outcomeWidth + 2);
  const fixes = new Map<string, string>();
  return answers
    .map((answer) => {
      const { code, outcome, reason, resolve } = answer;
      // What has a mend and was not required is a rule that warns, or one not in force yet.
      const warns = outcome === 'not_required' && resolve !== null;
      const word = (warns ? (setAside[answer.reason_code] ?? 'warns') : outcomes[outcome]).padEnd(outcomeWidth);
      const painted =
        outcome === 'pass'
          ? paint.good(word)
          : outcome === 'fail'
            ? paint.bad(word)
            : outcome === 'defer' || warns
              ? paint.wait(word)
              : word;
      const head = `  ${painted}  ${paint.strong(plain(code).padEnd(width))}  ${oneLine(reason)}\n`;
      return head + detailLines(answer, paint, indent, detail, fixes);
    })
    .join('');
}

/** @param fixes command -> the gate it was shown at: one mend of many troubles is shown once */
function detailLines(answer: Answer, paint: Paint, indent: string, { full, dry_run }: Detail, fixes: Map<string, string>): string {
  const { outcome, expected, actual, evidence, resolve, asks, next_eligible_at } = answer;
  const blocks = outcome === 'fail' || outcome === 'defer';
  const lines: [string, string][] = [];
  if (full && asks !== undefined) lines.push(['asked', asks]);
  if (expected !== null || actual !== null) {
    if (expected === actual) lines.push(['found', cellText(actual)]);
    else lines.push(['expected', cellText(expected)], ['found', actual === null ? 'nothing' : cellText(actual)]);
  }
  if (blocks || full) {
    for (const { ref, digest, age } of evidence) {
      lines.push([
        'evidence',
        [plain(ref), digest ?? '', age === null ? '' : `${ageText(age)} old`].filter((part) => part !== '').join(', '),
      ]);
    }
  }
  if (next_eligible_at !== undefined) lines.push(['earliest', next_eligible_at]);
  if (resolve !== null) {
    const shown = fixes.get(resolve.command);
    fixes.set(resolve.command, shown ?? answer.code);
    // Nothing can be done to a run that does not exist: it has to be asked for, and waits then.
    const first = dry_run !== undefined && resolve.command.split(' ').includes(dry_run) ? 'ask without --dry-run, then ' : '';
    lines.push(['fix', shown === undefined ? `${first}${plain(resolve.command)}   (${plain(resolve.who)})` : `the same as for ${shown}`]);
  }
  return lines.map(([name, text]) => `${indent}${paint.faint(name.padEnd(8))}  ${oneLine(text)}\n`).join('');
}

/** How many of each, in words: `12 pass, 1 fail, 3 not asked`. */
export function countText(answers: readonly GateAnswer[]): string {
  return (Object.keys(outcomes) as (keyof typeof outcomes)[])
    .map((outcome) => [outcome, answers.filter((answer) => answer.outcome === outcome).length] as const)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcomes[outcome]}`)
    .join(', ');
}

/** What to do, each command once, and whose turn it is. */
export function nextLines(next: readonly { readonly who: string; readonly command: string }[], paint: Paint): string {
  if (next.length === 0) return '';
  return `${paint.strong('what to do')}\n${next.map(({ who, command }) => `  ${plain(command)}   (${plain(who)})\n`).join('')}`;
}

/** The verdict first, large as text can be. */
export function verdictText(decision: 'allow' | 'deny' | 'defer', dryRun: boolean, paint: Paint): string {
  const words = { allow: 'allowed', deny: 'denied', defer: 'deferred' };
  const text = dryRun ? `would be ${words[decision]}` : words[decision];
  return paint.strong(decision === 'allow' ? paint.good(text) : decision === 'deny' ? paint.bad(text) : paint.wait(text));
}

function oneLine(text: string): string {
  return plain(text).replace(/[\n\t]+/g, ' ');
}
