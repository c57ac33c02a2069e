import type { Receipt, ReceiptGate, ReceiptStep } from './receipt.ts';

/** Untrusted text as a page or a terminal may show it: what would steer them, or turn the reading order round, is seen and not obeyed. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\t\n\r]+/g, ' ')
    .replace(
      /[\p{Cc}\u061c\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `26 Nov 2026, 19:44:55 UTC`, wherever it is read. */
export function momentText(timestamp: string): string {
  const [date = '', time = ''] = timestamp.split('T');
  const [year, month, day] = date.split('-');
  return `${Number(day)} ${months[Number(month) - 1] ?? month} ${year}, ${time.slice(0, 8)} UTC`;
}

/** Between two moments, in the unit a person would use. */
export function spanText(from: string, to: string): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from));
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

export const standingWords: Readonly<Record<ReceiptGate['standing'], string>> = {
  blocks: 'not met',
  waits: 'waits',
  kept_out: 'does not block',
  passed: 'passed',
  not_asked: 'not asked',
};

export const stepWords: Readonly<Record<ReceiptStep['status'], string>> = { success: 'done', skipped: 'skipped', failed: 'failed' };

export const kindWords: Readonly<Record<Receipt['run_kind'], string>> = { promotion: 'promotion', rollback: 'rollback', job: 'job' };

const deciders: Readonly<Record<NonNullable<Receipt['decision']>['decided_by'], string>> = {
  policy: 'by the policy',
  human: 'by a person',
  timeout: 'because the time to wait ran out',
  system: 'by the system',
};
const verdicts = { allow: 'Allowed', deny: 'Denied', defer: 'Deferred' } as const;

/** `Denied by the policy: 14 passed, 1 not met, 3 not asked.` */
export function decisionText({ decision, decided_by, counts }: NonNullable<Receipt['decision']>): string {
  const parts = [
    [counts.fail, 'not met'],
    [counts.defer, counts.defer === 1 ? 'waits' : 'wait'],
    [counts.pass, 'passed'],
    [counts.not_required, 'not asked'],
  ] as const;
  const counted = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return `${verdicts[decision]} ${deciders[decided_by]}${counted.length === 0 ? '' : `: ${counted.join(', ')}`}.`;
}

/** What a receipt says about where its proof is. */
export function placeText({ log, place }: NonNullable<Receipt['evidence']>): string {
  if (place === null) return `Recorded in the log ${log}; no signed checkpoint covers it yet.`;
  return `Recorded as entry ${place.leaf_index + 1} of the log ${log}, under a signed checkpoint of ${place.tree_size === 1 ? '1 entry' : `${place.tree_size} entries`}.`;
}

/** Which report says the same of the run; null before there is one. */
export function reportText({ report }: Receipt['audit']): string | null {
  return report === null ? null : `Covered by report ${report.report_id} of the periodic reconciliation, of ${momentText(report.as_of)}.`;
}

/** What was undone, each with why; nothing where nothing was. */
export function rolledBackTexts({ rolled_back = [] }: Receipt['audit']): string[] {
  return rolled_back.map(({ action, reason, at }) => `${action}, ${momentText(at)}: ${reason}`);
}

export function leftOffText(count: number, what: string): string {
  return `${count} more ${what} not shown here.`;
}
