import { type auditRoutes, Problem, type ReconcileFinding, schemaVersion } from '@govctl/core/api';
import { auditSeverity, reconcileRun } from '@govctl/core/audit';
import { draftRecord, jcsDigest, subjectOf } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import type { RunRow, RunState } from '@govctl/core/promotion';
import { isStanding, type Transition } from '@govctl/core/run';
import type { Handlers } from '../http/index.ts';
import type { AuditDependencies } from './handler.ts';
import * as world from './queries.ts';

/** Where the daemon looks beyond its own rows. */
type WorldSources = {
  /** What of a snapshot's content is not in the object store: paths, the manifest itself first. */
  missingContent(snapshotHash: string): Promise<readonly string[]>;
  /** Findings about the handoff, and how many births were compared. */
  handoff(now: string): Promise<{ readonly findings: readonly ReconcileFinding[]; readonly checked: number }>;
  /** Asks the dispatcher to go on at once. */
  wakeDispatcher(): void;
};

export type ReconcileDependencies = AuditDependencies & { readonly sources: WorldSources };

const pageSize = 500;
/** Events younger than this are on their way, not backlog. */
const outboxPatienceMs = 60_000;

/** Compares what should have happened with what did: the audit contract of every run, and the world. */
export function reconcileHandler(deps: ReconcileDependencies): Pick<Handlers<typeof auditRoutes>, 'reconcile.run'> {
  return {
    async 'reconcile.run'({ body, actor, now }) {
      const scope = { run_id: body.run_id ?? null, since: body.since ?? null };
      const checked: Record<string, number> = {};
      const { findings, audits } = await auditedRuns(deps, scope, now, checked);
      if (scope.run_id !== null && checked.runs === 0)
        throw new Problem('not-found', { detail: `no run ${scope.run_id}`, hint: 'govctl promotion ls' });
      findings.push(...(await logAgainstPointers(deps, scope, now, checked)));
      findings.push(...(await contentOnDisk(deps, scope.run_id, now, checked)));
      if (scope.run_id === null) findings.push(...(await standingWorld(deps, now, checked)));
      if (body.fix) await mend(deps, findings, actor, now);
      return {
        schemaVersion,
        kind: 'Reconciliation' as const,
        as_of: now,
        findings,
        checked,
        ...(scope.run_id === null ? {} : { runs: audits }),
        clean: findings.every((finding) => finding.fixed !== undefined),
      };
    },
  };
}

type Scope = { readonly run_id: string | null; readonly since: string | null };
type Checked = Record<string, number>;

async function auditedRuns(deps: ReconcileDependencies, scope: Scope, now: string, checked: Checked) {
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
function owedMs(phases: readonly Transition[], now: string): number {
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

async function logAgainstPointers(deps: ReconcileDependencies, scope: Scope, now: string, checked: Checked): Promise<ReconcileFinding[]> {
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

async function contentOnDisk(
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

async function standingWorld(deps: ReconcileDependencies, now: string, checked: Checked): Promise<ReconcileFinding[]> {
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

/** The safe mends, each recorded: an expired lock is given back, the dispatcher is woken. Everything else is for a person. */
async function mend(deps: ReconcileDependencies, findings: ReconcileFinding[], actor: Actor, now: string): Promise<void> {
  const [locks] = await deps.database.read([world.expiredLocks({ now })]);
  for (const lock of locks) {
    const finding = findings.find((one) => one.check === 'lock' && one.subject === `lock/${lock.lock_key}`);
    if (finding === undefined) continue;
    const record = draftRecord({
      kind: 'governance-fact',
      subject: [subjectOf(finding.subject, jcsDigest(lock))],
      predicate: {
        ...deps.deployment,
        actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
        salt: deps.randomHex(16),
        previous: null,
        fact: 'lock.release',
        subject: finding.subject,
        digest: null,
        reason: `expired at ${lock.expires_at}`,
        detail: { holder: lock.holder, fence: lock.fence },
      },
      run_id: null,
      tenant_id: 'default',
      dataset_id: null,
      recorded_at: now,
    });
    const result = await deps.journal.commit({
      label: 'lock.release',
      changes: [{ write: 'lock.release', values: { lock_key: lock.lock_key, fence: lock.fence } }],
      records: [record],
      events: [
        {
          type: 'lock.broken',
          subject: finding.subject,
          time: now,
          tenant_id: 'default',
          dataset_id: null,
          layer: null,
          run_id: lock.holder,
          environment: deps.deployment.environment,
          data: { reason: 'expired', fence: lock.fence },
        },
      ],
    });
    if (result.ok) finding.fixed = `given back, recorded as ${record.ref}`;
  }
  if (findings.some((finding) => finding.check === 'outbox')) {
    deps.sources.wakeDispatcher();
    for (const finding of findings) if (finding.check === 'outbox') finding.fixed = 'the dispatcher was woken';
  }
}

function ageSeconds(at: string, now: string): number {
  return Math.max(0, Math.round((Date.parse(now) - Date.parse(at)) / 1000));
}
