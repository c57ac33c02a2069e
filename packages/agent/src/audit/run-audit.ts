import type { ReconcileFinding } from '@govctl/core/api';
import { type AuditFinding, auditRun, auditSeverity, type RunAudit } from '@govctl/core/audit';
import { type RunState, readRunState } from '@govctl/core/promotion';
import { isEnded, isStanding, type Phase } from '@govctl/core/run';
import type { Findings } from './findings.ts';
import { goneIncidents, type NamedIncident, namedIncidents } from './incident-check.ts';
import { eachPage } from './pace.ts';
import { type RunToAudit, runsToAudit } from './page-queries.ts';
import * as world from './queries.ts';
import { ageSeconds, type FoundOfRun, type ReconcileDependencies, type Reconciling } from './reconcile-scope.ts';
import { onRecord, readJson, unreadableFinding } from './unreadable.ts';
import { leafFinding } from './world-check.ts';

/** The audit contract of every run of the scope: five classes, standings the kernel cannot have written, decisions that are not in the log. */
export async function auditedRuns(reconciling: Reconciling) {
  const { deps, scope, now, checked, findings, pace, tell } = reconciling;
  const audits: RunAuditRow[] = [];
  checked.runs = 0;
  await eachPage(deps.database, pace, runsToAudit(scope), (rows) => {
    const found: FoundOfRun[] = [];
    const named: NamedIncident[] = [];
    for (const row of rows) {
      if (row.state === null) continue;
      checked.runs = (checked.runs ?? 0) + 1;
      const { run_id, tenant_id, dataset_id, to_layer: layer } = row;
      if (!isStanding(row.phase, row.status)) findings.add(broken(row, now));
      if (row.lacks !== null) findings.add(unrecorded(run_id, row.lacks, row.updated_at, now));
      const { state, fault } = readRunState(row.state);
      if (state === null) {
        // What it owes and what it did cannot be known: told of as what it is, and the next one is looked at.
        findings.add(
          unreadableFinding({ check: 'run-state', subject: `run/${run_id}`, fault, at: row.updated_at, fix: onRecord(run_id) }, now),
        );
        found.push({ run_id, tenant_id, dataset_id, layer, findings: [unreadableState(fault)] });
        continue;
      }
      if (row.kind !== 'job' && row.status === 'deferred' && state.request === undefined) {
        const lacks = { check: 'run-state', subject: `run/${run_id}`, fault: 'it waits without what was asked', at: row.updated_at };
        findings.add(unreadableFinding({ ...lacks, fix: onRecord(run_id) }, now));
      }
      named.push(...namedIncidents(run_id, state));
      const audit = auditRun({ run_id, ...state }, now);
      if (scope.run_id !== null) audits.push({ run_id, state, audit });
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
    }
    if (found.length === 0 && named.length === 0) return undefined;
    return (async () => {
      if (named.length > 0) await goneIncidents(reconciling, named);
      if (found.length > 0) await tell(found);
    })();
  });
  for (const { run_id } of audits) await tellBrokenAcks(deps, findings, run_id, now);
  return await Promise.all(audits.map((one) => documentOf(deps, one)));
}

/** What a run that cannot be read is told of as: events and alerts know the classes of the audit contract. */
function unreadableState(fault: string): AuditFinding {
  return { class: 'invalid', domain: 'orchestrator', action: 'run_state', detail: `what is kept of the run cannot be read: ${fault}` };
}

async function tellBrokenAcks(deps: ReconcileDependencies, findings: Findings, run_id: string, now: string): Promise<void> {
  const [acks] = await deps.database.read([world.undoneAcks({ run_id })]);
  for (const { domain, action, metadata, at } of acks) {
    const { fault } = readMetadata(metadata);
    const subject = `run/${run_id} ${domain}/${action}`;
    if (fault !== null) findings.add(unreadableFinding({ check: 'undone-ack', subject, fault, at, fix: onRecord(run_id) }, now));
  }
}

type RunAuditRow = { readonly run_id: string; readonly state: RunState; readonly audit: RunAudit };

async function documentOf(deps: ReconcileDependencies, { run_id, state, audit }: RunAuditRow) {
  const { status, missing_actions, drift_actions, stale_run, is_clean } = audit;
  const undone = await undoneOf(deps, run_id, state);
  const acks = state.acks
    .filter((ack) => ack.status !== 'ROLLED_BACK')
    .map(({ domain, action, result_id, error, observed, at }) => ({ domain, action, result_id, error, observed, at }));
  const lacks = { missing_actions: [...missing_actions], drift_actions: [...drift_actions] };
  return { run_id, status, ...lacks, stale_run, is_clean, expectations: [...state.expectations], acks, undone };
}

function unrecorded(run_id: string, decision_ref: string, updated_at: string, now: string): ReconcileFinding {
  return leafFinding(`run/${run_id}`, `record ${decision_ref}`, 'not in the log', updated_at, now);
}

/** What was acknowledged and undone, in the run or beside it: history is not erased. */
export async function undoneOf(deps: Pick<ReconcileDependencies, 'database'>, run_id: string, state: RunState) {
  const [beside] = await deps.database.read([world.undoneAcks({ run_id })]);
  return [
    ...state.acks.filter((ack) => ack.status === 'ROLLED_BACK'),
    ...beside.map((row) => ({ ...row, metadata: readMetadata(row.metadata).value })),
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

function readMetadata(text: string): { readonly value: Record<string, unknown>; readonly fault: string | null } {
  const { value, fault } = readJson(text);
  if (fault !== null) return { value: {}, fault };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { value: {}, fault: 'is no JSON object' };
  return { value: { ...value }, fault: null };
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
