import { announcedDispositions } from '../evidence/reconcile-disposition.ts';
import { Findings } from './findings.ts';
import { intentFindings, openIntents } from './intent.ts';
import { unreadableJobs } from './job-check.ts';
import type { Pace } from './pace.ts';
import type { ReconcileDependencies, Reconciling, Scope } from './reconcile-scope.ts';
import { auditedRuns } from './run-audit.ts';
import { incidentsOfNobody, logAgainstPointers, pointersAgainstWorld, standingWorld } from './world-check.ts';

/**
 * Compares what should have happened with what did: the audit contract of every run of the scope, and the world. However many runs there
 * are, it goes page by page at the pace it is given, and keeps counts and what is told of them.
 */
export async function reconcileAll(
  deps: ReconcileDependencies,
  scope: Scope,
  now: string,
  pace: Pace,
  tell: Reconciling['tell'] = async () => {},
) {
  const findings = new Findings();
  const reconciling: Reconciling = { deps, scope, now, pace, checked: {}, findings, tell };
  const { checked } = reconciling;
  const audits = await auditedRuns(reconciling);
  await pointersAgainstWorld(reconciling);
  await logAgainstPointers(reconciling);
  await incidentsOfNobody(reconciling);
  await unreadableJobs(reconciling);
  const intents = await openIntents(deps, scope, now);
  findings.addAll(intentFindings(intents, now, checked));
  if (scope.run_id === null) {
    findings.addAll(await standingWorld(reconciling));
    findings.addAll(await announcedDispositions(deps.database, now, checked));
  }
  return { findings: findings.kept, left_out: findings.left_out, by_class: findings.by_class, audits, intents, checked };
}
