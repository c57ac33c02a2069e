/** The audit contract (RAC, page 6): what a run must do, declared when it starts, against what it says it did. */
export type Expectation = {
  readonly domain: string;
  readonly action: string;
  /** Milliseconds from T0, not counting time queued, deferred or paused. */
  readonly deadline_ms: number | null;
  readonly status: 'PENDING' | 'ACKED' | 'MISSING' | 'VOIDED';
};

export type Ack = {
  readonly domain: string;
  readonly action: string;
  readonly result_id: string | null;
  readonly error: string | null;
  /** Digest of what was really there when it was done. */
  readonly observed: string | null;
  readonly at: string;
  readonly status?: 'ROLLED_BACK';
  readonly rolled_back?: boolean;
  readonly rollback_reason?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
};

export const defaultDeadlineMs = 5000;
/** Run time-out (30 s) and grace (5 s). */
export const finalizeDeadlineMs = 35_000;

const standard = [
  ['incidents', 'create_incident', defaultDeadlineMs],
  ['policies', 'evaluate_policy', defaultDeadlineMs],
  ['logs', 'start_trace', defaultDeadlineMs],
  ['orchestrator', 'finalize_run', finalizeDeadlineMs],
] as const;
const ofPromotions = [
  ['store', 'promote', defaultDeadlineMs],
  ['evidence', 'append', defaultDeadlineMs],
] as const;

/**
 * What every run owes at T0; promotions owe two more. What a job owes at its end is due after the time it may take: only its trace starts at once.
 *
 * @param finalizeMs how long the run may take, grace and all
 */
export function declareExpectations(kind: 'promotion' | 'rollback' | 'job', finalizeMs = finalizeDeadlineMs): Expectation[] {
  const rows = kind === 'job' ? standard : [...standard, ...ofPromotions];
  return rows.map(([domain, action, deadline]) => {
    const deadline_ms = action === 'finalize_run' || (kind === 'job' && action !== 'start_trace') ? finalizeMs : deadline;
    return { domain, action, deadline_ms, status: 'PENDING' as const };
  });
}

const same = (ack: { domain: string; action: string }, expectation: Expectation) =>
  ack.domain === expectation.domain && ack.action === expectation.action;

function owed({ status }: Expectation): boolean {
  return status === 'PENDING' || status === 'MISSING';
}

/** Marks what the acks settle, also what comes late; what they do not settle stays as it was. */
export function settle(expectations: readonly Expectation[], acks: readonly Ack[]): Expectation[] {
  return expectations.map((expectation) =>
    owed(expectation) && acks.some((ack) => same(ack, expectation) && ack.status !== 'ROLLED_BACK')
      ? { ...expectation, status: 'ACKED' as const }
      : expectation,
  );
}

/** A run that ends denied or cancelled owes its end and nothing else: the rest is voided, visibly. */
export function voidRest(expectations: readonly Expectation[]): Expectation[] {
  return expectations.map((expectation) => (owed(expectation) ? { ...expectation, status: 'VOIDED' as const } : expectation));
}

export const auditClasses = ['missing', 'drift', 'stale', 'invalid', 'failed'] as const;
export type AuditClass = (typeof auditClasses)[number];
export const auditSeverity: Readonly<Record<AuditClass, 'high' | 'medium'>> = {
  missing: 'high',
  drift: 'medium',
  stale: 'high',
  invalid: 'high',
  failed: 'high',
};

export type AuditFinding = { readonly class: AuditClass; readonly domain: string; readonly action: string; readonly detail: string };

export type RunAudit = {
  readonly status: 'COMPLETE' | 'INCOMPLETE' | 'STALE';
  readonly missing_actions: readonly string[];
  readonly drift_actions: readonly string[];
  readonly stale_run: boolean;
  readonly is_clean: boolean;
  readonly findings: readonly AuditFinding[];
};

/**
 * Four-way reconciliation of one run: expected, acked, overdue, unexpected.
 *
 * @param elapsedMs time the run has been owing, without what it spent queued, deferred or paused
 */
export function reconcileRun(expectations: readonly Expectation[], acks: readonly Ack[], elapsedMs: number): RunAudit {
  const findings: AuditFinding[] = [];
  const name = (row: { domain: string; action: string }) => `${row.domain}/${row.action}`;
  for (const expectation of expectations) {
    const { domain, action, deadline_ms } = expectation;
    if (deadline_ms === null) findings.push({ class: 'invalid', domain, action, detail: 'expected without a deadline' });
    const answered = acks.some((ack) => same(ack, expectation) && ack.status !== 'ROLLED_BACK');
    if (answered || expectation.status === 'VOIDED' || deadline_ms === null || elapsedMs <= deadline_ms) continue;
    findings.push({ class: 'missing', domain, action, detail: `not acknowledged within ${deadline_ms} ms` });
    if (domain === 'orchestrator' && action === 'finalize_run')
      findings.push({ class: 'stale', domain, action, detail: 'the run was never finalized' });
  }
  const seen = new Set<string>();
  for (const ack of acks) {
    const { domain, action } = ack;
    const key = name(ack);
    if (ack.status === 'ROLLED_BACK') continue;
    if (!expectations.some((expectation) => same(ack, expectation)))
      findings.push({ class: 'drift', domain, action, detail: 'acknowledged, but never expected' });
    else if (seen.has(key)) findings.push({ class: 'drift', domain, action, detail: 'acknowledged twice' });
    if (ack.error !== null) findings.push({ class: 'failed', domain, action, detail: ack.error });
    seen.add(key);
  }
  const of = (wanted: AuditClass) => [...new Set(findings.filter((finding) => finding.class === wanted).map(name))];
  const stale = of('stale').length > 0;
  const open = expectations.some((expectation) => owed(expectation) && !acks.some((ack) => same(ack, expectation)));
  return {
    status: stale ? 'STALE' : open ? 'INCOMPLETE' : 'COMPLETE',
    missing_actions: of('missing'),
    drift_actions: of('drift'),
    stale_run: stale,
    is_clean: findings.length === 0,
    findings,
  };
}
