import { type AuditFinding, type FindingContext, markStale, overdueRuns, tellFindings } from '@govctl/core/audit';
import type { Unit } from '@govctl/core/journal';
import { holdLease } from '@govctl/core/lease';
import { type RunRow, type RunState, readRunState } from '@govctl/core/promotion';
import { type Database, query } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';

export type OverdueDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly holder: string;
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
  /** Told of what was found for the first time, once it is durable. */
  readonly found: (findings: readonly AuditFinding[]) => void;
};

/** Nothing is owed sooner than this after the start of a run. */
const soonestMs = 1000;
const perPage = 500;

const owing = `r.phase NOT IN ('COMPLETED', 'FAILED') AND r.status IN ('running', 'incomplete')`;
/** Not by what was told: the periodic reconciliation tells too, and may have seen it first; marking is done here alone. */
const known = `EXISTS (SELECT 1 FROM incident i WHERE i.run_id = r.run_id AND i.error_code = 'stale')`;
const owingFrom = (run: string) =>
  `SELECT r.* FROM ${run} WHERE ${owing} AND r.created_at <= :before AND r.run_id > :after AND NOT ${known} ORDER BY r.run_id LIMIT :limit`;
/** Runs that owe something: open, and neither queued, deferred nor paused. Those that are marked stale are not asked again. */
const owingRuns = query<{ before: string; after: string; limit: number }, RunRow>('owing runs', {
  // Open runs are few among all that ever were; for the order alone SQLite would walk through every one of them.
  sqlite: owingFrom('run r INDEXED BY run_open'),
  postgres: owingFrom('run r'),
});
const knownFindings = query<Record<string, never>, { run_id: string; class: string; domain: string; action: string }>(
  'known findings of owing runs',
  // CROSS JOIN keeps the order: from the few open runs to what is known of them.
  `SELECT f.run_id, f.class, f.domain, f.action FROM run r CROSS JOIN audit_finding f WHERE f.run_id = r.run_id AND ${owing} AND NOT ${known}`,
);

const keyOf = (run_id: string, { domain, action, ...finding }: { class: string; domain: string; action: string }) =>
  `${run_id} ${finding.class} ${domain}/${action}`;

/**
 * Finds the runs that are past what they owe, all of them with one query a page, and tells of each finding once: a stale run is marked,
 * with an incident, on record. One host of a deployment writes it; the others find it done.
 *
 * @returns how many runs something new was found of
 */
export async function findOverdue(deps: OverdueDependencies): Promise<number> {
  const now = deps.now();
  const before = new Date(Date.parse(now) - soonestMs).toISOString();
  let news = 0;
  for (let after = ''; ; ) {
    const [rows, told] = await deps.database.read([owingRuns({ before, after, limit: perPage }), knownFindings({})]);
    news += await tellOf(deps, rows, new Set(told.map((row) => keyOf(row.run_id, row))), now);
    const last = rows.at(-1);
    if (last === undefined || rows.length < perPage) return news;
    after = last.run_id;
  }
}

async function tellOf(deps: OverdueDependencies, rows: readonly RunRow[], before: ReadonlySet<string>, now: string): Promise<number> {
  const runs = new Map(rows.flatMap(readable));
  const overdue = overdueRuns(
    [...runs.values()].map(({ row, state }) => ({ run_id: row.run_id, ...state })),
    now,
  );
  let told = 0;
  for (const { run_id, stale, findings } of overdue) {
    const run = runs.get(run_id);
    const news = findings.filter((finding) => !before.has(keyOf(run_id, finding)));
    if (run === undefined || (news.length === 0 && !stale)) continue;
    const context: FindingContext = { ...deps.deployment, salt: deps.randomHex(16), at: now };
    const unit = stale ? markStale(run.row, run.state, { all: findings, news }, context) : whatIsNew(run.row, news, context);
    const result = await deps.journal.commit({ ...unit, changes: [holdLease('audit', deps.holder, now), ...unit.changes] });
    // A run that moved meanwhile is looked at again in the next round.
    if (result.ok) {
      told += 1;
      deps.found(news);
    } else if (result.guard === 'lease-is-mine') break;
  }
  return told;
}

/** A run that cannot be read owes nothing that could be known; reconcile tells of it, and the others are looked at. */
function readable(row: RunRow): (readonly [string, { readonly row: RunRow; readonly state: RunState }])[] {
  const { state } = readRunState(row.state);
  return state === null ? [] : [[row.run_id, { row, state }]];
}

/** Late, and not given up: the row of the run is left alone, it belongs to whoever works on it. */
function whatIsNew(
  { run_id, tenant_id, dataset_id, to_layer: layer }: RunRow,
  findings: readonly AuditFinding[],
  context: FindingContext,
): Unit {
  return { label: 'audit.finding', records: [], ...tellFindings({ run_id, tenant_id, dataset_id, layer }, findings, context) };
}
