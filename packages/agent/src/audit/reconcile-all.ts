import type { ReconcileFinding } from '@govctl/core/api';
import type { AuditFinding } from '@govctl/core/audit';
import { announcedDispositions } from '../evidence/reconcile-disposition.ts';
import { intentFindings, openIntents } from './intent.ts';
import type { Checked, ReconcileDependencies, Scope } from './reconcile-scope.ts';
import { auditedRuns } from './run-audit.ts';
import { actsOfNobody, contentOnDisk, logAgainstPointers, standingWorld } from './world-check.ts';

/** A run, known or not, and what its audit contract lacks. */
export type FoundOfRun = {
  readonly run_id: string;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly layer: string | null;
  readonly findings: readonly AuditFinding[];
};

/** More than anybody reads, and little enough to be sent; how many were left out is said. */
const mostFindings = 10_000;

/**
 * Compares what should have happened with what did: the audit contract of every run of the scope, and the world.
 *
 * @param rest what is waited between two pages of runs; others come first
 */
export async function reconcileAll(deps: ReconcileDependencies, scope: Scope, now: string, rest: (pageMs: number) => Promise<void>) {
  const checked: Checked = {};
  const { findings, audits, found } = await auditedRuns(deps, scope, now, checked, rest);
  const strays = await actsOfNobody(deps, scope, now, checked);
  findings.push(...strays.findings);
  found.push(...strays.found);
  findings.push(...(await logAgainstPointers(deps, scope, now, checked)));
  findings.push(...(await contentOnDisk(deps, scope.run_id, now, checked)));
  const intents = await openIntents(deps, scope, now);
  findings.push(...intentFindings(intents, now, checked));
  if (scope.run_id === null) {
    findings.push(...(await standingWorld(deps, now, checked)));
    findings.push(...(await announcedDispositions(deps.database, now, checked)));
  }
  return {
    findings: findings.slice(0, mostFindings),
    left_out: Math.max(0, findings.length - mostFindings),
    by_class: countByClass(findings),
    audits,
    found,
    intents,
    checked,
  };
}

function countByClass(findings: readonly ReconcileFinding[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const finding of findings) counts[finding.class] = (counts[finding.class] ?? 0) + 1;
  return counts;
}
