import type { ReconcileFinding } from '@govctl/core/api';
import { auditSeverity, reconcileRun } from '@govctl/core/audit';
import type { RunRow, RunState } from '@govctl/core/promotion';
import { isStanding, type Transition } from '@govctl/core/run';
import * as world from './queries.ts';
import { ageSeconds, type Checked, type ReconcileDependencies, type Scope } from './reconcile-scope.ts';

const pageSize = 500;

/** The audit contract of every run of the scope: five classes, and standings the kernel cannot have written. */
export async function auditedRuns(deps: ReconcileDependencies, scope: Scope, now: string, checked: Checked) {
  const findings: ReconcileFinding[] = [];
  const audits = [];
  let after = '';
  let count = 0;
  for (;;) {
    const [rows] = await deps.database.read([world.runsToReconcile({ ...scope, after, limit: pageSize })]);
    for (const row of rows) {
      const state = JSON.parse(row.state) as RunState;
      const audit = reconcileRun(state.expectations, state.acks, owedMs(state.phases, now));
      if (scope.run_id !== null) {
        const { status, missing_actions, drift_actions, stale_run, is_clean } = audit;
        audits.push({
          run_id: row.run_id,
          status,
          missing_actions: [...missing_actions],
          drift_actions: [...drift_actions],
          stale_run,
          is_clean,
        });
      }
      for (const finding of audit.findings) {
        findings.push({
          class: finding.class,
          check: 'audit',
          severity: auditSeverity[finding.class],
          subject: `run/${row.run_id}`,
          expected: `${finding.domain}/${finding.action}`,
          observed: finding.detail,
          age_s: ageSeconds(row.created_at, now),
          fix: `govctl promotion get ${row.run_id}`,
        });
      }
      if (!isStanding(row.phase, row.status)) findings.push(broken(row, now));
    }
    count += rows.length;
    after = rows.at(-1)?.run_id ?? '';
    if (rows.length < pageSize) break;
    // Other requests come first: reconciliation is never on the hot path.
    await new Promise((resolve) => setImmediate(resolve));
  }
  checked.runs = count;
  return { findings, audits };
}

/** Time a run has owed its acks: from its start to its end (or now), without what it spent queued, deferred or paused. */
export function owedMs(phases: readonly Transition[], now: string): number {
  let owed = 0;
  phases.forEach((step, at) => {
    if (step.phase === 'COMPLETED' || step.phase === 'FAILED') return;
    const until = phases[at + 1]?.at ?? now;
    if (step.status === 'running' || step.status === 'incomplete') owed += Date.parse(until) - Date.parse(step.at);
  });
  const end = phases.at(-1);
  // What an ended run did not ack by its end it will never ack.
  return end?.phase === 'COMPLETED' || end?.phase === 'FAILED' ? Number.POSITIVE_INFINITY : owed;
}

function broken(row: RunRow, now: string): ReconcileFinding {
  return {
    class: 'invalid',
    check: 'run-invariant',
    severity: 'high',
    subject: `run/${row.run_id}`,
    expected: 'a standing of the transition table',
    observed: `${row.phase}/${row.status}`,
    age_s: ageSeconds(row.updated_at, now),
    fix: 'govctl log verify',
  };
}
