import { isEnded, type Transition } from '../run/phase.ts';
import { type Ack, type AuditFinding, type Expectation, type RunAudit, reconcileRun } from './expectation.ts';

/** What the audit contract reads of a run. */
export type AuditedRun = {
  readonly run_id: string;
  readonly phases: readonly Transition[];
  readonly expectations: readonly Expectation[];
  readonly acks: readonly Ack[];
};

/**
 * Milliseconds a run has owed its acks: from its start to now, without what it spent queued, deferred or paused. Of a run that ended it is
 * for ever: what it did not acknowledge by its end it will never acknowledge.
 */
export function owedMs(phases: readonly Transition[], now: string): number {
  const end = phases.at(-1);
  if (end !== undefined && isEnded(end.phase)) return Number.POSITIVE_INFINITY;
  let owed = 0;
  phases.forEach((step, at) => {
    const until = phases[at + 1]?.at ?? now;
    // A clock that was set back takes nothing off.
    if (step.status === 'running' || step.status === 'incomplete') owed += Math.max(0, Date.parse(until) - Date.parse(step.at));
  });
  return owed;
}

/** The audit contract of one run, as of now. */
export function auditRun({ phases, expectations, acks }: AuditedRun, now: string): RunAudit {
  return reconcileRun(expectations, acks, owedMs(phases, now));
}

export type OverdueRun = { readonly run_id: string; readonly stale: boolean; readonly findings: readonly AuditFinding[] };

/** Of many runs those that lack something, each with all that it lacks: one look at the clock for the whole batch. */
export function overdueRuns(runs: readonly AuditedRun[], now: string): OverdueRun[] {
  return runs.flatMap((run) => {
    const { findings, stale_run } = auditRun(run, now);
    return findings.length === 0 ? [] : [{ run_id: run.run_id, stale: stale_run, findings }];
  });
}

/** What was owed in time and did not come. It stays owed: an ack that comes late still settles it. */
export function markMissing(expectations: readonly Expectation[], findings: readonly AuditFinding[]): Expectation[] {
  const missing = new Set(findings.filter((one) => one.class === 'missing').map(({ domain, action }) => `${domain}/${action}`));
  return expectations.map((expectation) =>
    expectation.status === 'PENDING' && missing.has(`${expectation.domain}/${expectation.action}`)
      ? { ...expectation, status: 'MISSING' as const }
      : expectation,
  );
}

/** The acks of a unit that was undone: what it would have done stays visible, as undone. */
export function rolledBack(
  acks: readonly Ack[],
  why: { readonly reason: string; readonly phase: string; readonly success: boolean; readonly at: string },
): Ack[] {
  return acks.map((ack) => ({
    ...ack,
    at: why.at,
    status: 'ROLLED_BACK' as const,
    rolled_back: true,
    rollback_reason: why.reason,
    metadata: { rollback_phase: why.phase, rollback_success: why.success },
  }));
}

/** What a run says of its own contract, from what is stored alone: the same whenever it is asked for. */
export function auditSummary(run: Omit<AuditedRun, 'run_id'>): Omit<RunAudit, 'findings'> {
  const last = run.phases.at(-1);
  // Of an open run only what was found overdue, and marked, counts: its time may not be up.
  const { findings: _findings, ...audit } = reconcileRun(
    run.expectations,
    run.acks,
    last !== undefined && isEnded(last.phase) ? Number.POSITIVE_INFINITY : 0,
  );
  const marked = run.expectations.filter(({ status }) => status === 'MISSING');
  if (marked.length === 0) return audit;
  const stale_run = marked.some(({ action }) => action === 'finalize_run');
  return {
    ...audit,
    status: stale_run ? 'STALE' : audit.status,
    missing_actions: marked.map(({ domain, action }) => `${domain}/${action}`),
    stale_run,
    is_clean: false,
  };
}
