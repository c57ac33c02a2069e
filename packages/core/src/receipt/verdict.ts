import { exceptionText } from '../decision/exception.ts';
import { clip } from './bounded.ts';
import type { Receipt, Tone } from './receipt.ts';
import { isIdle, type ManifestStep, type ReceiptRun } from './source.ts';
import { momentText } from './words.ts';

type Verdict = Receipt['verdict'];

/**
 * How a run ended, or stands, in a word and a sentence. Calm: it says what is so and what did not change, and blames nobody. What is
 * not done because somebody decided so is no failure.
 */
export function verdictOf(run: ReceiptRun, steps: readonly ManifestStep[]): Verdict {
  const ended = run.phase === 'COMPLETED' || run.phase === 'FAILED';
  const [tone, word, sentence] = said(run, steps);
  return { tone, word, sentence: clip(`${sentence}.`), ended };
}

function said(run: ReceiptRun, steps: readonly ManifestStep[]): readonly [Tone, string, string] {
  if (run.phase === 'COMPLETED') return completed(run, steps);
  switch (run.status) {
    case 'failed_policy':
      return [
        'bad',
        'Denied',
        `${run.run_kind === 'job' ? `What the job of ${run.dataset_id} made does not count` : unchanged(run)}: ${whyDenied(run)}`,
      ];
    case 'cancelled':
      return ['plain', 'Cancelled', `${unchanged(run)}: ${whyCancelled(run)}`];
    case 'failed':
      return ['bad', 'Failed', `${unchanged(run)}: ${failedStep(steps) ?? whyFailed(run)}`];
    case 'pending_audit':
      return ['bad', 'Failed', `${subjectOf(run)} was allowed, but the store did not carry it out; somebody has to look at it`];
    case 'retry':
      return ['plain', 'Run again', 'This run ended, and another one takes its place'];
    case 'deferred':
      return ['wait', 'Waiting', `${notYet(run)}: ${waitsFor(run)}`];
    case 'paused':
      return ['wait', 'Paused', `${notYet(run)}: it is paused${pauseText(run)} and goes on when somebody resumes it${pauseEnd(run)}`];
    case 'incomplete':
      return ['wait', 'Almost done', `${subjectOf(run)} is decided; it waits for ${run.waiting_on.join(', ') || 'the last confirmation'}`];
    default:
      return ['wait', 'Under way', `${subjectOf(run)} is being worked on; this receipt is not final yet`];
  }
}

function completed(run: ReceiptRun, steps: readonly ManifestStep[]): readonly [Tone, string, string] {
  if (run.run_kind === 'job') {
    const skipped = steps.filter(({ status }) => status === 'skipped');
    const done = steps.length - skipped.length;
    const [first] = skipped.filter((step) => !isIdle(step));
    if (first === undefined && done < steps.length)
      return [
        'good',
        'Completed',
        `${doneOf(done, steps.length, ` of ${run.dataset_id}`)}; ${skipped.length === 1 ? 'the other' : 'the others'} did not apply`,
      ];
    if (first === undefined)
      return [
        'good',
        'Completed',
        steps.length === 1 ? `The one step of ${run.dataset_id} was done` : `All ${steps.length} steps of ${run.dataset_id} were done`,
      ];
    const which = skipped.length === 1 ? `${first.step} was skipped` : `${skipped.length} were skipped`;
    return ['wait', 'Completed in part', `${doneOf(done, steps.length)} and ${which}: ${unfinished(first)}`];
  }
  const spite = exceptionText(run.decision?.exceptions);
  if (run.run_kind === 'rollback')
    return [
      'good',
      'Rolled back',
      `${run.dataset_id} ${run.to_layer ?? ''} is back on its last verified version; the version after it is quarantined`,
    ];
  return [
    'good',
    'Promoted',
    `${run.dataset_id} was promoted from ${run.from_layer ?? '-'} to ${run.to_layer ?? '-'}${spite === '' ? ': every gate that was asked passed' : `, with ${spite}`}`,
  ];
}

/** A job is its workspace; a promotion says where it goes. */
function subjectOf({ run_kind, dataset_id, from_layer, to_layer }: ReceiptRun): string {
  if (run_kind === 'job' || to_layer === null) return dataset_id;
  return run_kind === 'rollback' || from_layer === null ? `${dataset_id} ${to_layer}` : `${dataset_id} ${from_layer} to ${to_layer}`;
}

function unchanged({ run_kind, dataset_id, to_layer }: ReceiptRun): string {
  if (run_kind === 'job') return `The job of ${dataset_id} did not finish`;
  if (run_kind === 'rollback') return `${dataset_id} ${to_layer ?? ''} was not rolled back, and nothing changed`;
  return `${dataset_id} was not promoted to ${to_layer ?? '-'}, and nothing changed`;
}

function notYet({ run_kind, dataset_id, to_layer }: ReceiptRun): string {
  if (run_kind === 'job') return `The job of ${dataset_id} is not done yet`;
  return `${dataset_id} is not ${run_kind === 'rollback' ? 'rolled back' : `promoted to ${to_layer ?? '-'}`} yet`;
}

function pauseText({ pause }: ReceiptRun): string {
  if (pause == null) return '';
  return ` (${pause.reason.replaceAll('_', ' ')})`;
}

const atTimeout = { TERMINATE: 'it ends', CONTINUE: 'it goes on by itself', ESCALATE: 'somebody is called' } as const;

/** A pause does not last: what becomes of it is part of how the run stands. */
function pauseEnd({ pause }: ReceiptRun): string {
  if (pause == null) return '';
  if (pause.escalated_at !== null) return '; its time ran out, and somebody was called';
  return `; if nobody has by ${momentText(pause.expires_at)}, ${atTimeout[pause.timeout]}`;
}

function whyDenied({ decision }: ReceiptRun): string {
  const fails = decision?.gates.filter(({ outcome }) => outcome === 'fail') ?? [];
  const [first] = fails;
  if (decision?.decided_by === 'timeout') return 'the time to wait ran out';
  if (first === undefined) return 'it was denied';
  const others = fails.length - 1;
  return `${clip(first.reason, 200)}${others === 0 ? '' : `; ${others} more ${others === 1 ? 'gate does' : 'gates do'} not hold`}`;
}

function waitsFor({ decision, waiting_on }: ReceiptRun): string {
  const [first] = decision?.gates.filter(({ outcome }) => outcome === 'defer') ?? [];
  if (first === undefined) return `it waits for ${waiting_on.join(', ') || 'something that is not there yet'}`;
  const others = Math.max(waiting_on.length, 1) - 1;
  return `${clip(first.reason, 200)}${others === 0 ? '' : `, and ${others} more to wait for`}`;
}

/** No step failed: what ended the run says why, a limit for one. */
function whyFailed({ reason }: ReceiptRun): string {
  return reason === null ? 'something went wrong on the way' : clip(reason, 200).replace(/\.$/, '');
}

/** What the person who ended it said. */
function whyCancelled({ reason }: ReceiptRun): string {
  return reason === null
    ? 'the run was ended before it decided anything'
    : `it was ended on request (${clip(reason, 200).replace(/\.$/, '')})`;
}

function failedStep(steps: readonly ManifestStep[]): string | undefined {
  const failed = steps.find(({ status }) => status === 'failed');
  return failed === undefined ? undefined : `${failed.step} failed${failed.reason === undefined ? '' : ` (${clip(failed.reason, 200)})`}`;
}

function unfinished({ takeaway, reason }: ManifestStep): string {
  // A takeaway is a sentence of its own; this one ends here anyway.
  return clip(takeaway ?? reason ?? 'what it needs was not there', 200).replace(/\.$/, '');
}

function doneOf(done: number, all: number, whose = ''): string {
  return `${done} of ${all === 1 ? '1 step' : `${all} steps`}${whose} ${done === 1 ? 'was' : 'were'} done`;
}
