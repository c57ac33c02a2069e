import type { GateAnswer } from '../decision/decision.ts';
import { clip, clipOrNull } from './bounded.ts';
import { type Receipt, receiptLimits } from './receipt.ts';
import { isIdle, type ReceiptRun, type ReceiptSources } from './source.ts';

type Next = Receipt['next'];

/** The one thing to do now. Where several would help, the first of them: the others are at their gates and steps. */
export function nextStep(sources: ReceiptSources): Next {
  const found = wanted(sources);
  return { what: clip(found.what), who: clipOrNull(found.who), command: clipOrNull(found.command, receiptLimits.command) };
}

type Wanted = { readonly what: string; readonly who?: string; readonly command?: string };

function wanted({ run, audit, audit_closed, manifest, lesson, incident }: ReceiptSources): Wanted {
  const { run_id, pending_audit } = run;
  if (audit.stale_run)
    return { what: 'Find out why this run never finished.', who: 'an operator', command: `govctl reconcile --run ${run_id}` };
  const stuck = manifest?.steps.find((step) => step.next_action !== undefined && !isIdle(step))?.next_action;
  if (stuck !== undefined) return { what: stuck };
  if (pending_audit !== null && audit_closed !== true)
    return {
      what: `Look at what went wrong, and close the audit before ${pending_audit.due_at}.`,
      who: pending_audit.owner,
      command: `govctl audit close ${pending_audit.audit_id} --reason TEXT`,
    };
  if (run.status === 'paused') return resume(run);
  if (run.status === 'cancelled') return { what: 'Nothing is left to be done for this run.' };
  if (run.phase === 'COMPLETED' && incident?.state === 'open')
    return { what: 'It is done, but not all went well: see what, and close it.', command: `govctl incident get ${incident.incident_id}` };
  return mend(run) ?? learnt(lesson) ?? standing(run);
}

function resume({ run_id, run_kind, pause }: ReceiptRun): Wanted {
  const what = 'Resume it when what it was paused for is settled.';
  const command = `govctl ${run_kind === 'job' ? 'run' : 'promotion'} resume ${run_id} --reason TEXT`;
  return pause == null ? { what, command } : { what, command, who: pause.authorities.join(' or ') };
}

/** A lesson names a command, or says what a person does. */
function learnt(lesson: ReceiptSources['lesson']): Wanted | undefined {
  if (lesson === undefined) return undefined;
  const { next_action } = lesson;
  return next_action.startsWith('govctl ') ? { what: 'Start here:', command: next_action } : { what: next_action };
}

/** The command of the first gate that stands in the way. */
function mend({ decision, phase }: ReceiptRun): Wanted | undefined {
  if (phase === 'COMPLETED') return undefined;
  const gates = decision?.gates ?? [];
  const first = (outcome: GateAnswer['outcome']) => gates.find((gate) => gate.outcome === outcome && gate.resolve !== null);
  const blocking = first('fail') ?? first('defer');
  if (blocking?.resolve == null) return undefined;
  const again =
    phase === 'FAILED' ? 'Mend it, then ask for it again under a new run_id.' : 'This is waited for; the run is asked again by itself.';
  return { what: again, who: blocking.resolve.who, command: blocking.resolve.command };
}

function standing({ run_id, run_kind, phase, status, evidence }: ReceiptRun): Wanted {
  if (phase === 'COMPLETED' && evidence !== null)
    return {
      what: 'Nothing has to be done. To keep what proves it, take the evidence with you:',
      command: `govctl evidence export ${run_id} -O ${run_id}.json`,
    };
  if (phase === 'COMPLETED') return { what: 'Nothing has to be done.' };
  if (phase !== 'FAILED') {
    const what = 'Nothing has to be done now; see how it ends:';
    return run_kind === 'job' ? { what: 'Nothing has to be done now.' } : { what, command: `govctl promotion watch ${run_id}` };
  }
  if (run_kind === 'job') return { what: 'Look at what failed, mend it, and start the job again.' };
  return {
    what: status === 'failed_policy' ? 'See every gate and what it asked:' : 'See whether anything was left behind:',
    command: status === 'failed_policy' ? `govctl why ${run_id}` : `govctl reconcile --run ${run_id}`,
  };
}
