import type { Receipt, ReceiptStep } from './receipt.ts';

/*
 * What a reader is told once. The document says everything where it belongs, for programs; a page or a terminal that repeats a sentence
 * three times makes a person look for the difference.
 */

/** What every rule of a pack asks; its expression is what says more. */
export const ruleQuestion = 'Does this rule of the policy hold?';

export type StepNote = { readonly takeaway: string | null; readonly next_action: string | null };

/** What is said at each step: not what the next step of the receipt, or a step above, said already. */
export function stepNotes({ steps, next }: Pick<Receipt, 'steps' | 'next'>): readonly StepNote[] {
  const causes = new Map<string, string>();
  const actions = new Set([next.what]);
  return steps.map((step) => {
    const takeaway = toldOf(step);
    const before = takeaway === null ? undefined : causes.get(takeaway);
    if (takeaway !== null && before === undefined) causes.set(takeaway, step.step);
    const next_action = step.next_action === null || actions.has(step.next_action) ? null : step.next_action;
    if (next_action !== null) actions.add(next_action);
    return { takeaway: before === undefined ? takeaway : `For the same reason as ${before}.`, next_action };
  });
}

/** Its exit code stands beside its name. */
function toldOf({ takeaway, status, reason, exit_code }: ReceiptStep): string | null {
  if (takeaway !== null) return takeaway;
  return status === 'success' || reason === `exit code ${exit_code}` ? null : reason;
}

/** Of what helps, only what is not the next step anyway. */
export function furtherHelp({ lesson, next }: Pick<Receipt, 'lesson' | 'next'>): string | null {
  if (lesson === null || lesson.next_action === next.command || lesson.next_action === next.what) return null;
  return lesson.next_action;
}

/** Why a run was asked for, or ended, unless its verdict or its cause say so. */
export function furtherReason({ reason, lesson, verdict }: Pick<Receipt, 'reason' | 'lesson' | 'verdict'>): string | null {
  if (reason === null || reason === lesson?.cause || verdict.sentence.includes(reason)) return null;
  return reason;
}
