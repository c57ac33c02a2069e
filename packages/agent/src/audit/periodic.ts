import { schemaVersion } from '@govctl/core/api';
import { type AuditFinding, type FindingContext, tellFindings } from '@govctl/core/audit';
import { canonicalJson, digestOf, draftRecord, subjectOf } from '@govctl/core/evidence';
import { holdLease } from '@govctl/core/lease';
import { query } from '../db/index.ts';
import { whileLeased } from '../lease/while-leased.ts';
import { type ObjectStore, oneChunk } from '../object/index.ts';
import { type PaceOptions, paced, periodicGait } from './pace.ts';
import { toldFindings } from './queries.ts';
import { reconcileAll } from './reconcile-all.ts';
import type { FoundOfRun, ReconcileDependencies } from './reconcile-scope.ts';

export type PeriodicDependencies = ReconcileDependencies & {
  readonly objects: ObjectStore;
  readonly holder: string;
  readonly now: () => string;
  readonly reconcileEveryMs: number;
  readonly found: (findings: readonly AuditFinding[]) => void;
};

const newestReport = query<Record<string, never>, { as_of: string }>(
  'newest report',
  'SELECT as_of FROM reconcile_report ORDER BY report_id DESC LIMIT 1',
);

const actor = { actor_id: 'SYSTEM::govd', authenticated_by: 'reconcile-loop' } as const;

/**
 * Reconciles everything when the last report is old enough, by one host of a deployment. What is new is told; the report is an object, its
 * digest is in the database and on record.
 *
 * @param under how it is told to end, and how it says that it goes on: it takes longer than any other round of a loop
 * @returns milliseconds until the next one is due
 */
export async function reconcilePeriodically(
  deps: PeriodicDependencies,
  under: { readonly signal: AbortSignal; readonly goesOn?: () => void },
): Promise<number> {
  const now = deps.now();
  const [[newest]] = await deps.database.read([newestReport({})]);
  const due = newest === undefined ? 0 : Date.parse(newest.as_of) + deps.reconcileEveryMs - Date.parse(now);
  // Later than one could be: the clock was set back after that report.
  if (due > 0 && due <= deps.reconcileEveryMs) return due;
  // With many runs it takes longer than a lease lasts.
  await whileLeased(deps, 'reconcile', under.signal, (signal) => reconcileNow(deps, now, { ...under, signal }));
  return deps.reconcileEveryMs;
}

async function reconcileNow(deps: PeriodicDependencies, now: string, under: Pick<PaceOptions, 'signal' | 'goesOn'>): Promise<void> {
  const pace = paced({ busy: deps.busy, gait: periodicGait, ...under });
  const everything = { run_id: null, since: null };
  const { findings, left_out, by_class, checked } = await reconcileAll(deps, everything, now, pace, (found) => tell(deps, found));
  const clean = findings.length === 0;
  const report = { schemaVersion, kind: 'Reconciliation', as_of: now, findings, ...(left_out === 0 ? {} : { left_out }), checked, clean };
  const bytes = Buffer.from(canonicalJson(report));
  const digest = digestOf(bytes);
  await deps.objects.put(digest, oneChunk(bytes));
  const at = deps.now();
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(`reconcile/${now}`, digest)],
    predicate: {
      ...deps.deployment,
      actor,
      salt: deps.randomHex(16),
      previous: null,
      fact: 'reconcile.report',
      subject: `reconcile/${now}`,
      digest,
      reason: null,
      detail: { clean, findings: findings.length + left_out, by_class },
    },
    run_id: null,
    tenant_id: 'default',
    dataset_id: null,
    recorded_at: at,
  });
  const counts = {
    clean: Number(clean),
    findings: findings.length + left_out,
    by_class: JSON.stringify(by_class),
    checked: JSON.stringify(checked),
  };
  await deps.journal.commit({
    label: 'reconcile.report',
    changes: [
      holdLease('reconcile', deps.holder, at),
      { write: 'reconcile-report.insert', values: { digest, as_of: now, ...counts, evidence_ref: record.ref } },
    ],
    records: [record],
    events: [],
  });
}

const perQuestion = 500;

/** Tells of what nobody was told yet, a unit a run. */
async function tell(deps: PeriodicDependencies, found: readonly FoundOfRun[]): Promise<void> {
  for (let from = 0; from < found.length; from += perQuestion) {
    const some = found.slice(from, from + perQuestion);
    const [known] = await deps.database.read([toldFindings({ run_ids: JSON.stringify(some.map(({ run_id }) => run_id)) })]);
    const told = new Set(known.map(({ run_id, domain, action, ...row }) => `${run_id} ${row.class} ${domain}/${action}`));
    for (const { findings, ...scope } of some) {
      const news = findings.filter(({ domain, action, ...finding }) => !told.has(`${scope.run_id} ${finding.class} ${domain}/${action}`));
      if (news.length === 0) continue;
      const context: FindingContext = { ...deps.deployment, salt: deps.randomHex(16), at: deps.now() };
      const result = await deps.journal.commit({ label: 'audit.finding', records: [], ...tellFindings(scope, news, context) });
      if (result.ok) deps.found(news);
    }
  }
}
