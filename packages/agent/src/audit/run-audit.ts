import type { ReconcileFinding } from '@govctl/core/api';
import { auditRun, auditSeverity, type RunAudit } from '@govctl/core/audit';
import type { RunState } from '@govctl/core/promotion';
import { isEnded, isStanding, type Phase } from '@govctl/core/run';
import { eachPage } from './pace.ts';
import { type RunToAudit, runsToAudit } from './page-queries.ts';
import * as world from './queries.ts';
import { ageSeconds, type FoundOfRun, type ReconcileDependencies, type Reconciling } from './reconcile-scope.ts';
import { leafFinding } from './world-check.ts';

/** The audit contract of every run of the scope: five classes, standings the kernel cannot have written, decisions that are not in the log. */
export async function auditedRuns({ deps, scope, now, checked, findings, pace, tell }: Reconciling) {
  const audits: RunAuditRow[] = [];
  checked.runs = 0;
  await eachPage(deps.database, pace, runsToAudit(scope), (rows) => {
    const found: FoundOfRun[] = [];
    for (const row of rows) {
      if (row.state === null) continue;
      checked.runs = (checked.runs ?? 0) + 1;
      const state = JSON.parse(row.state) as RunState;
      const audit = auditRun({ run_id: row.run_id, ...state }, now);
      if (scope.run_id !== null) audits.push({ run_id: row.run_id, state, audit });
      const { run_id, tenant_id, dataset_id, to_layer: layer } = row;
      if (audit.findings.length > 0) found.push({ run_id, tenant_id, dataset_id, layer, findings: audit.findings });
      for (const finding of audit.findings) {
        findings.add({
          class: finding.class,
          check: 'audit',
          severity: auditSeverity[finding.class],
          subject: `run/${row.run_id}`,
          expected: `${finding.domain}/${finding.action}`,
          observed: finding.detail,
          age_s: ageSeconds(row.created_at, now),
          fix: nextOf(row),
        });
      }
      if (!isStanding(row.phase, row.status)) findings.add(broken(row, now));
      if (row.lacks !== null) findings.add(unrecorded(row.run_id, row.lacks, row.updated_at, now));
    }
    return found.length === 0 ? undefined : tell(found);
  });
  return await Promise.all(audits.map((one) => documentOf(deps, one)));
}

type RunAuditRow = { readonly run_id: string; readonly state: RunState; readonly audit: RunAudit };

async function documentOf(deps: ReconcileDependencies, { run_id, state, audit }: RunAuditRow) {
  const { status, missing_actions, drift_actions, stale_run, is_clean } = audit;
  const undone = await undoneOf(deps, run_id, state);
  return { run_id, status, missing_actions: [...missing_actions], drift_actions: [...drift_actions], stale_run, is_clean, undone };
}

function unrecorded(run_id: string, decision_ref: string, updated_at: string, now: string): ReconcileFinding {
  return leafFinding(`run/${run_id}`, `record ${decision_ref}`, 'not in the log', updated_at, now);
}

/** What was acknowledged and undone, in the run or beside it: history is not erased. */
export async function undoneOf(deps: Pick<ReconcileDependencies, 'database'>, run_id: string, state: RunState) {
  const [beside] = await deps.database.read([world.undoneAcks({ run_id })]);
  return [
    ...state.acks.filter((ack) => ack.status === 'ROLLED_BACK'),
    ...beside.map((row) => ({ ...row, metadata: JSON.parse(row.metadata) as Record<string, unknown> })),
  ].map(({ domain, action, result_id, rollback_reason, metadata, at }) => ({
    domain,
    action,
    result_id,
    status: 'ROLLED_BACK' as const,
    rolled_back: true as const,
    rollback_reason: rollback_reason ?? '',
    metadata: { ...metadata },
    at,
  }));
}

/** The command that goes on from a finding: an open run can be ended; of one that ended it is to be understood. */
function nextOf({ run_id, kind, phase }: RunToAudit): string {
  const open = !isEnded(phase as Phase);
  if (kind === 'job') return open ? `govctl run stop ${run_id} --reason TEXT` : `govctl run get ${run_id}`;
  return open ? `govctl promotion cancel ${run_id} --reason TEXT` : `govctl evidence ls --run ${run_id}`;
}

function broken(row: RunToAudit, now: string): ReconcileFinding {
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
