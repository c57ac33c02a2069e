import type { ReconcileFinding } from '@govctl/core/api';
import * as world from './queries.ts';
import { ageSeconds, type Checked, type ReconcileDependencies, type Scope } from './reconcile-scope.ts';

/** Events younger than this are on their way, not backlog. */
const outboxPatienceMs = 60_000;

/** Promotions and leaves, one to one in both directions. */
export async function logAgainstPointers(
  deps: ReconcileDependencies,
  scope: Scope,
  now: string,
  checked: Checked,
): Promise<ReconcileFinding[]> {
  const [pointers, leaves, runs, [count]] = await deps.database.read([
    world.pointersWithoutLeaf({ ...scope }),
    world.leavesWithoutPointer({ ...scope }),
    world.runsWithoutRecord({ ...scope }),
    world.pointerCount({ ...scope }),
  ]);
  checked.pointers = count?.pointers ?? 0;
  const finding = (subject: string, expected: string, observed: string, at: string): ReconcileFinding => ({
    class: 'world',
    check: 'promotion-leaf',
    severity: 'high',
    subject,
    expected,
    observed,
    age_s: ageSeconds(at, now),
    fix: 'govctl log verify',
  });
  return [
    ...pointers.map((row) =>
      finding(
        `${row.dataset_id}/${row.layer}@${row.generation}`,
        `a ${row.lacks} record of run ${row.run_id}`,
        'none in the log',
        row.moved_at,
      ),
    ),
    ...leaves.map((row) => finding(`record/${row.ref}`, `a pointer move of run ${row.run_id ?? '?'}`, 'none', row.recorded_at)),
    ...runs.map((row) => finding(`run/${row.run_id}`, `record ${row.decision_ref}`, 'not in the log', row.updated_at)),
  ];
}

/** Pointers against what lies on disk. */
export async function contentOnDisk(
  deps: ReconcileDependencies,
  runId: string | null,
  now: string,
  checked: Checked,
): Promise<ReconcileFinding[]> {
  const [rows] = await deps.database.read([world.activeSnapshots({ run_id: runId })]);
  checked.active_snapshots = rows.length;
  const findings: ReconcileFinding[] = [];
  for (const row of rows) {
    const subject = `${row.dataset_id}/${row.layer}`;
    const missing = await deps.sources.missingContent(row.snapshot_hash);
    if (missing.length > 0) {
      findings.push({
        class: 'world',
        check: 'pointer-object',
        severity: 'high',
        subject,
        expected: `every object of ${row.snapshot_id}`,
        observed: `${missing.length} missing: ${missing.slice(0, 3).join(', ')}`,
        age_s: null,
        fix: `govctl snapshot create DIR --dataset ${row.dataset_id} --layer RAW, from the same content`,
      });
    }
    if (row.quarantined_at !== null) {
      findings.push({
        class: 'world',
        check: 'active-quarantined',
        severity: 'high',
        subject,
        expected: 'an ACTIVE version that is not quarantined',
        observed: `${row.snapshot_id} is quarantined`,
        age_s: ageSeconds(row.quarantined_at, now),
        fix: `govctl dataset active ${row.dataset_id}; roll the layer back, or govctl snapshot release ${row.snapshot_id} --reason ...`,
      });
    }
  }
  return findings;
}

/** What stands open: outbox, locks, audits, handoff. */
export async function standingWorld(deps: ReconcileDependencies, now: string, checked: Checked): Promise<ReconcileFinding[]> {
  const before = new Date(Date.parse(now) - outboxPatienceMs).toISOString();
  const [[outbox], locks, [held], audits, [open]] = await deps.database.read([
    world.outboxBacklog({ before }),
    world.expiredLocks({ now }),
    world.heldLocks({}),
    world.overdueAudits({ now }),
    world.openAuditCount({}),
  ]);
  const handoff = await deps.sources.handoff(now);
  checked.outbox = 1;
  checked.locks = held?.locks ?? 0;
  checked.pending_audits = open?.audits ?? 0;
  checked.births = handoff.checked;
  const findings: ReconcileFinding[] = [...handoff.findings];
  if (outbox !== undefined && outbox.rows > 0) {
    findings.push({
      class: 'world',
      check: 'outbox',
      severity: 'medium',
      subject: 'outbox',
      expected: 'events dispatched within a minute',
      observed: `${outbox.rows} waiting`,
      age_s: outbox.oldest === null ? null : ageSeconds(outbox.oldest, now),
      fix: 'govctl reconcile --fix',
    });
  }
  for (const lock of locks) {
    findings.push({
      class: 'world',
      check: 'lock',
      severity: 'medium',
      subject: `lock/${lock.lock_key}`,
      expected: `given back by ${lock.holder} before ${lock.expires_at}`,
      observed: 'expired and still held',
      age_s: ageSeconds(lock.expires_at, now),
      fix: 'govctl reconcile --fix',
    });
  }
  for (const audit of audits) {
    findings.push({
      class: 'world',
      check: 'overdue-audit',
      severity: 'high',
      subject: `audit/${audit.audit_id}`,
      expected: `closed by ${audit.owner} before ${audit.due_at}`,
      observed: `open; it blocks promotions to ${audit.dataset_id} ${audit.layer}`,
      age_s: ageSeconds(audit.due_at, now),
      fix: `govctl audit close ${audit.audit_id} --reason ...`,
    });
  }
  return findings;
}

/** What was done for runs that are not there: drift, of a run nobody knows. */
export async function actsOfNobody(deps: ReconcileDependencies, scope: Scope, now: string, checked: Checked) {
  const [rows] = await deps.database.read([world.actsOfUnknownRuns({ ...scope })]);
  checked.acts_of_unknown_runs = rows.length;
  const detail = (row: { result_id: string }) => `${row.result_id} was done for a run that is not known`;
  return {
    findings: rows.map(
      (row): ReconcileFinding => ({
        class: 'drift',
        check: 'unknown-run',
        severity: 'medium',
        subject: `run/${row.run_id}`,
        expected: 'a run that owes it',
        observed: `${row.domain}/${row.action}: ${detail(row)}`,
        age_s: ageSeconds(row.at, now),
        fix: `govctl evidence ls --run ${row.run_id}`,
      }),
    ),
    found: rows.map((row) => ({
      run_id: row.run_id,
      tenant_id: row.tenant_id,
      dataset_id: row.dataset_id,
      layer: null,
      findings: [{ class: 'drift' as const, domain: row.domain, action: row.action, detail: detail(row) }],
    })),
  };
}
