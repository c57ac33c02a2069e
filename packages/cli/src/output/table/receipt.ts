import {
  decisionText,
  furtherHelp,
  furtherReason,
  kindWords,
  leftOffText,
  momentText,
  placeText,
  type Receipt,
  type ReceiptGate,
  type ReceiptStep,
  reportText,
  rolledBackTexts,
  type StepNote,
  spanText,
  standingWords,
  stepNotes,
  stepWords,
} from '@govctl/core/receipt';
import type { Paint } from '../paint.ts';
import { type Sheet, sheetOf, titled } from '../sheet.ts';
import { technicalLines, watchLines } from './receipt-detail.ts';

export type ReceiptTextOptions = {
  readonly paint: Paint;
  /** Columns of the terminal; what is narrower than 40 is treated as 40. */
  readonly columns: number;
  /** Watch list and technical details too, which are folded otherwise. */
  readonly details: boolean;
};

/**
 * The receipt for a terminal or a pipe. Colour repeats what the words say. Prose is wrapped; a command or a digest is never broken, so
 * that it can be copied.
 */
export function receiptText(receipt: Receipt, { paint, columns, details }: ReceiptTextOptions): string {
  const sheet = sheetOf(paint, Math.min(Math.max(columns, 40), 200));
  const parts = [
    headLines(receipt, sheet),
    nextLines(receipt, sheet),
    troubleLines(receipt, sheet),
    stepLines(receipt, sheet),
    decisionLines(receipt, sheet),
    runLines(receipt, sheet),
    evidenceLines(receipt, sheet),
    auditLines(receipt, sheet),
    ...(details ? [watchLines(receipt, sheet), technicalLines(receipt, sheet)] : [foldedLines(receipt, sheet)]),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function toned(tone: Receipt['verdict']['tone'], text: string, paint: Paint): string {
  if (tone === 'good') return paint.good(text);
  if (tone === 'bad') return paint.bad(text);
  return tone === 'wait' ? paint.wait(text) : text;
}

function headLines({ verdict, run_kind, dataset_id, from_layer, to_layer }: Receipt, { paint, prose }: Sheet): string[] {
  const way = run_kind === 'promotion' ? `${from_layer ?? '-'} -> ${to_layer ?? '-'}` : (to_layer ?? '');
  return [
    paint.strong(toned(verdict.tone, verdict.word.toUpperCase(), paint)),
    ...prose(`${kindWords[run_kind]} of ${dataset_id} ${way}`.trimEnd(), 0),
    '',
    ...prose(verdict.sentence, 0),
  ];
}

function nextLines({ next, remote_assist }: Receipt, sheet: Sheet): string[] {
  const { prose, whole } = sheet;
  return titled('Next step', sheet, [
    ...prose(next.who === null ? next.what : `${next.what} (${next.who})`),
    ...(next.command === null ? [] : [whole(next.command, 4)]),
    ...(remote_assist === null
      ? []
      : [...prose(`Help with this data, until ${momentText(remote_assist.expires_at)}:`), whole(remote_assist.url, 4)]),
  ]);
}

function troubleLines(receipt: Receipt, sheet: Sheet): string[] {
  const { incident, lesson, pending_audit } = receipt;
  const audit =
    pending_audit === null
      ? null
      : `${pending_audit.audit_id}: ${pending_audit.closed ? 'closed' : `owed by ${pending_audit.owner} until ${momentText(pending_audit.due_at)}`}`;
  return titled(
    incident === null && lesson === null ? 'What it leaves behind' : 'What went wrong',
    sheet,
    sheet.pairs([
      ['cause', lesson?.cause ?? null],
      ['what helps', furtherHelp(receipt)],
      ['incident', incident === null ? null : `${incident.incident_id}, ${incident.severity}, ${incident.state}`],
      ['error', incident?.error_code ?? null],
      ['audit', audit],
    ]),
  );
}

function stepLines(receipt: Receipt, sheet: Sheet): string[] {
  const { steps, steps_left_off } = receipt;
  const notes = stepNotes(receipt);
  return titled('Steps', sheet, [
    ...steps.flatMap((step, index) => oneStep(step, notes[index], sheet)),
    ...leftOff(steps_left_off, 'steps are', sheet),
  ]);
}

const stepTones = { success: 'good', skipped: 'plain', failed: 'bad' } as const;

function oneStep(step: ReceiptStep, said: StepNote | undefined, { paint, prose, hanging }: Sheet): string[] {
  const { started, ended, exit_code, status } = step;
  const took = started === null || ended === null || status === 'skipped' ? '' : `, ${spanText(started, ended)}`;
  const exit = status === 'failed' && exit_code !== null ? `, exit ${exit_code}` : '';
  const word = stepWords[status];
  const notes = [
    said?.takeaway ?? null,
    said?.next_action == null ? null : `next: ${said.next_action}`,
    step.signals.length === 0 ? null : step.signals.map(({ name, count }) => `${name}: ${count}`).join(', '),
  ];
  return [
    ...hanging(word, `${step.step}${exit}${took}`, { width: 7, painted: (text) => toned(stepTones[status], text, paint) }),
    ...notes.flatMap((note) => (note === null ? [] : prose(note, 11))),
  ];
}

const gateTones = { blocks: 'bad', waits: 'wait', kept_out: 'wait', passed: 'good', not_asked: 'plain' } as const;

function decisionLines({ decision }: Receipt, sheet: Sheet): string[] {
  const { prose } = sheet;
  if (decision === null) return titled('Decision', sheet, prose('Nothing was decided.'));
  const { gates, gates_left_off, approvals, approvals_left_off, exceptions } = decision;
  const open = gates.filter(({ standing }) => standing === 'blocks' || standing === 'waits' || standing === 'kept_out');
  return titled('Decision', sheet, [
    ...prose(decisionText(decision)),
    ...(exceptions === null ? [] : prose(`In spite of what did not hold: ${exceptions}.`)),
    ...open.flatMap((gate) => oneGate(gate, sheet)),
    ...approvals.flatMap(({ verdict, actor_id, role, reason }) =>
      prose(`${verdict === 'approve' ? 'Approved' : 'Rejected'} by ${actor_id} as ${role}: ${reason}`),
    ),
    ...leftOff(approvals_left_off, 'approvals are', sheet),
    ...leftOff(gates_left_off, 'gates are', sheet),
  ]);
}

function oneGate(
  { code, standing, reason, expected, actual, resolve }: ReceiptGate,
  { paint, prose, whole, pairs, hanging }: Sheet,
): string[] {
  const word = standingWords[standing];
  return [
    ...hanging(word, code, { painted: (text) => toned(gateTones[standing], text, paint) }),
    ...prose(reason, 4),
    ...pairs(
      [
        ['expected', expected],
        ['found', actual ?? (expected === null ? null : 'nothing')],
      ],
      4,
    ),
    ...(resolve === null ? [] : [...prose(`to resolve it, ${resolve.who}:`, 4), whole(resolve.command, 6)]),
  ];
}

function runLines(receipt: Receipt, sheet: Sheet): string[] {
  const { created_at, ended_at, run_kind } = receipt;
  return titled(
    'Run',
    sheet,
    sheet.pairs([
      ['run', receipt.run_id, 'whole'],
      [run_kind === 'job' ? 'workspace' : 'dataset', receipt.dataset_id],
      ['version', receipt.snapshot_id, 'whole'],
      ['tenant', receipt.tenant_id],
      ['asked by', receipt.requested_by],
      ['reason', furtherReason(receipt)],
      ['started', momentText(created_at)],
      ['ended', ended_at === null ? 'not yet' : `${momentText(ended_at)} (after ${spanText(created_at, ended_at)})`],
      ['rolls back', receipt.rolls_back, 'whole'],
      ['corrects', receipt.supersedes, 'whole'],
    ]),
  );
}

function evidenceLines({ evidence }: Receipt, sheet: Sheet): string[] {
  if (evidence === null) return [];
  const { prose, whole, hanging } = sheet;
  return titled('Evidence', sheet, [
    ...prose(placeText(evidence)),
    ...sheet.pairs([['record', evidence.place?.ref ?? evidence.decision_ref, 'whole']]),
    ...evidence.verify.flatMap(({ what, command }, at) => [...hanging(`${at + 1}.`, what), whole(command, 6)]),
  ]);
}

function auditLines({ audit }: Receipt, sheet: Sheet): string[] {
  const { prose, paint } = sheet;
  const report = reportText(audit);
  const word = audit.is_clean && audit.status === 'COMPLETE' ? paint.good(audit.status) : paint.wait(audit.status);
  return titled('Audit contract', sheet, [
    ...prose(`${audit.status}: ${audit.sentence} ${audit.acknowledged} of ${audit.owed} acknowledged.`).map((line, at) =>
      at === 0 ? line.replace(audit.status, () => word) : line,
    ),
    ...(audit.missing.length === 0 ? [] : prose(`missing: ${audit.missing.join(', ')}`)),
    ...(audit.drift.length === 0 ? [] : prose(`not expected: ${audit.drift.join(', ')}`)),
    ...rolledBackTexts(audit).flatMap((told) => prose(`rolled back: ${told}`)),
    ...leftOff(audit.left_off, 'are', sheet),
    ...(report === null ? [] : prose(report).map((line) => paint.faint(line))),
  ]);
}

function foldedLines({ run_id, watch }: Receipt, { paint, prose, whole }: Sheet): string[] {
  const what = watch === undefined ? 'Ids, digests and phases' : `${watch.items.length} worth watching, ids, digests and phases`;
  return [...prose(`${what}:`, 0), whole(`govctl run receipt ${run_id} --details`)].map((line) => paint.faint(line));
}

function leftOff(count: number, what: string, { prose }: Sheet): string[] {
  return count === 0 ? [] : prose(leftOffText(count, what));
}
