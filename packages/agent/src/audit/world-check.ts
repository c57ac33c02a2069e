import type { ReconcileFinding } from '@govctl/core/api';
import { eachPage } from './pace.ts';
import { incidentsToCheck, type LeafToCheck, leavesToCheck, type PointerToCheck, pointersToCheck, unmovedOf } from './page-queries.ts';
import * as world from './queries.ts';
import { ageSeconds, type FoundOfRun, type Reconciling } from './reconcile-scope.ts';
import { unreadableFinding } from './unreadable.ts';

/** Events younger than this are on their way, not backlog. */
const outboxPatienceMs = 60_000;

/** Of promotions in the log, so many are looked for in all pointers at a time: it is done where something is wrong only. */
const suspectsAtOnce = 20;

export function leafFinding(subject: string, expected: string, observed: string, at: string, now: string): ReconcileFinding {
  const age_s = ageSeconds(at, now);
  return { class: 'world', check: 'promotion-leaf', severity: 'high', subject, expected, observed, age_s, fix: 'govctl log verify' };
}

/** Pointers against the log, and the active ones against what lies on disk. */
export async function pointersAgainstWorld({ deps, scope, now, checked, findings, pace }: Reconciling): Promise<void> {
  checked.pointers = 0;
  checked.active_snapshots = 0;
  await eachPage(deps.database, pace, pointersToCheck(scope), (rows) => {
    const active = rows.filter((row) => row.active === 1);
    checked.active_snapshots = (checked.active_snapshots ?? 0) + active.length;
    for (const row of rows) {
      if (scope.since !== null && row.moved_at < scope.since) continue;
      checked.pointers = (checked.pointers ?? 0) + 1;
      if (row.lacks === null) continue;
      const subject = `${row.dataset_id}/${row.layer}@${row.generation}`;
      findings.add(leafFinding(subject, `a ${row.lacks} record of run ${row.run_id}`, 'none in the log', row.moved_at, now));
    }
    return active.length === 0 ? undefined : contentOf({ deps, now, findings }, active);
  });
}

async function contentOf({ deps, now, findings }: Pick<Reconciling, 'deps' | 'now' | 'findings'>, active: readonly PointerToCheck[]) {
  for (const row of active) {
    const subject = `${row.dataset_id}/${row.layer}`;
    const { missing, fault } = await lookedFor(deps, row.snapshot_hash);
    if (fault !== null) {
      const fix = `govctl snapshot verify ${row.snapshot_id}; govctl doctor`;
      findings.add(unreadableFinding({ check: 'pointer-object', subject, fault, at: null, fix }, now));
    }
    if (missing.length > 0) {
      findings.add({
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
      findings.add({
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
}

/** An object that cannot be read is a finding about its snapshot; the next one may be read. */
async function lookedFor(deps: Reconciling['deps'], snapshotHash: string) {
  try {
    return { missing: await deps.sources.missingContent(snapshotHash), fault: null };
  } catch (error) {
    return { missing: [], fault: (error as Error).message };
  }
}

const actOf: Readonly<Record<string, { readonly domain: string; readonly action: string }>> = {
  decision: { domain: 'policies', action: 'evaluate_policy' },
  promotion: { domain: 'store', action: 'promote' },
  'run-result': { domain: 'orchestrator', action: 'finalize_run' },
};

/** Records against pointers: evidence of something that did not happen, and acts for a run that nobody knows. */
export async function logAgainstPointers(reconciling: Reconciling): Promise<void> {
  const { deps, scope, now, checked, findings, pace } = reconciling;
  checked.acts_of_unknown_runs = 0;
  await eachPage(deps.database, pace, leavesToCheck(scope), (rows) => {
    const wanted = rows.filter(({ recorded_at }) => scope.since === null || recorded_at >= scope.since);
    const strays = wanted.flatMap(strayOf);
    const suspects = wanted.filter(({ suspect }) => suspect === 1);
    if (strays.length === 0 && suspects.length === 0) return undefined;
    return (async () => {
      await tellStrays(reconciling, strays);
      for (let from = 0; from < suspects.length; from += suspectsAtOnce) {
        const some = suspects.slice(from, from + suspectsAtOnce);
        const [unmoved] = await deps.database.read([unmovedOf({ refs: JSON.stringify(some.map(({ ref }) => ref)) })]);
        const nowhere = new Set(unmoved.map(({ ref }) => ref));
        for (const { ref, run_id, recorded_at } of some)
          if (nowhere.has(ref))
            findings.add(leafFinding(`record/${ref}`, `a pointer move of run ${run_id ?? '?'}`, 'none', recorded_at, now));
      }
    })();
  });
}

function strayOf({ kind, ref, recorded_at, of_nobody, run_id, tenant_id, dataset_id }: LeafToCheck): Stray[] {
  const act = actOf[kind];
  return act === undefined || run_id === null || of_nobody === 0
    ? []
    : [{ ...act, run_id, tenant_id, dataset_id, result_id: ref, at: recorded_at }];
}

/** Incidents of runs that are not there. */
export async function incidentsOfNobody(reconciling: Reconciling): Promise<void> {
  const { deps, scope, pace } = reconciling;
  const done = { domain: 'incidents', action: 'create_incident' } as const;
  await eachPage(deps.database, pace, incidentsToCheck(scope), (rows) => {
    const strays = rows.flatMap(({ incident_id, opened_at, of_nobody, ...scoped }) =>
      of_nobody === 1 && (scope.since === null || opened_at >= scope.since)
        ? [{ ...done, ...scoped, result_id: incident_id, at: opened_at }]
        : [],
    );
    return strays.length === 0 ? undefined : tellStrays(reconciling, strays);
  });
}

type Stray = {
  readonly run_id: string;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly domain: string;
  readonly action: string;
  readonly result_id: string;
  readonly at: string;
};

/** What was done for a run that is not there: drift, of a run nobody knows. */
async function tellStrays({ now, checked, findings, tell }: Reconciling, strays: readonly Stray[]): Promise<void> {
  checked.acts_of_unknown_runs = (checked.acts_of_unknown_runs ?? 0) + strays.length;
  const found = strays.map(({ run_id, tenant_id, dataset_id, domain, action, result_id, at }): FoundOfRun => {
    const detail = `${result_id} was done for a run that is not known`;
    findings.add({
      class: 'drift',
      check: 'unknown-run',
      severity: 'medium',
      subject: `run/${run_id}`,
      expected: 'a run that owes it',
      observed: `${domain}/${action}: ${detail}`,
      age_s: ageSeconds(at, now),
      fix: `govctl evidence ls --run ${run_id}`,
    });
    return { run_id, tenant_id, dataset_id, layer: null, findings: [{ class: 'drift', domain, action, detail }] };
  });
  if (found.length > 0) await tell(found);
}

/** What stands open: outbox, locks, audits, handoff. */
export async function standingWorld({ deps, now, checked, pace }: Reconciling): Promise<ReconcileFinding[]> {
  const before = new Date(Date.parse(now) - outboxPatienceMs).toISOString();
  const [[outbox], locks, [held], audits, [open]] = await deps.database.read([
    world.outboxBacklog({ before }),
    world.expiredLocks({ now }),
    world.heldLocks({}),
    world.overdueAudits({ now }),
    world.openAuditCount({}),
  ]);
  const handoff = await deps.sources.handoff(now, pace);
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
