import type { ReconcileFinding } from '@govctl/core/api';
import { auditRun, auditSeverity } from '@govctl/core/audit';
import type { RunRow, RunState } from '@govctl/core/promotion';
import { isEnded, isStanding, type Phase } from '@govctl/core/run';
import * as world from './queries.ts';
import type { FoundOfRun } from './reconcile-all.ts';
import { ageSeconds, type Checked, type ReconcileDependencies, type Scope } from './reconcile-scope.ts';

const pageSize = 500;

/** The audit contract of every run of the scope: five classes, and standings the kernel cannot have written. */
export async function auditedRuns(
  deps: ReconcileDependencies,
  scope: Scope,
  now: string,
  checked: Checked,
  rest: (pageMs: number) => Promise<void>,
) {
  const findings: ReconcileFinding[] = [];
  const audits = [];
  const found: FoundOfRun[] = [];
  let after = '';
  let count = 0;
  for (;;) {
    const began = performance.now();
    const [rows] = await deps.database.read([world.runsToReconcile({ ...scope, after, limit: pageSize })]);
    for (const row of rows) {
      const state = JSON.parse(row.state) as RunState;
      const audit = auditRun({ run_id: row.run_id, ...state }, now);
      if (scope.run_id !== null) {
        const { status, missing_actions, drift_actions, stale_run, is_clean } = audit;
        audits.push({
          run_id: row.run_id,
          status,
          missing_actions: [...missing_actions],
          drift_actions: [...drift_actions],
          stale_run,
          is_clean,
          undone: await undoneOf(deps, row.run_id, state),
        });
      }
      const { run_id, tenant_id, dataset_id, to_layer: layer } = row;
      if (audit.findings.length > 0) found.push({ run_id, tenant_id, dataset_id, layer, findings: audit.findings });
      for (const finding of audit.findings) {
        findings.push({
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
      if (!isStanding(row.phase, row.status)) findings.push(broken(row, now));
    }
    count += rows.length;
    after = rows.at(-1)?.run_id ?? '';
    if (rows.length < pageSize) break;
    await rest(performance.now() - began);
  }
  checked.runs = count;
  return { findings, audits, found };
}

/** What was acknowledged and undone, in the run or beside it: history is not erased. */
async function undoneOf(deps: ReconcileDependencies, run_id: string, state: RunState) {
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
function nextOf({ run_id, kind, phase }: RunRow): string {
  const open = !isEnded(phase as Phase);
  if (kind === 'job') return open ? `govctl run stop ${run_id} --reason TEXT` : `govctl run get ${run_id}`;
  return open ? `govctl promotion cancel ${run_id} --reason TEXT` : `govctl evidence ls --run ${run_id}`;
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
