import type { ReconcileFinding } from '@govctl/core/api';
import { coverageFix, lagSeconds } from '@govctl/core/handoff';
import type { Database } from '../db/index.ts';
import { readCoverage } from './coverage.ts';
import { type HandoffQueries, openQuarantine } from './queries.ts';

/**
 * The handoff as reconcile sees it: every birth ever against candidates and events, and coverage. Births that are on their way are
 * told as lag too; asking again a moment later says whether they arrived.
 */
export async function reconcileHandoff(database: Database, queries: HandoffQueries, now: string, blocker: string | null) {
  const findings: ReconcileFinding[] = [];
  const finding = (subject: string, expected: string, observed: string, age: number | null, fix: string) =>
    findings.push({ class: 'world', check: 'handoff', severity: 'high', subject, expected, observed, age_s: age, fix });
  try {
    const [[lag], cursors, missing, quarantine] = await database.read([
      queries.handoffLag({}),
      queries.cursorStatus({}),
      queries.missingSinceAudit({}),
      openQuarantine({}),
    ]);
    const { evidence, coverage } = readCoverage({ cursors, missing, quarantine }, now, blocker);
    const age = lagSeconds(evidence);
    const seconds = age === null ? null : Math.round(age);
    const { births = 0, lag_rows = 0, unannounced_rows = 0 } = lag ?? {};
    if (lag_rows > 0)
      finding('v_handoff_lag', 'every birth has a candidate', `${lag_rows} of ${births} have none`, seconds, 'govctl handoff status');
    if (unannounced_rows > 0) {
      finding(
        'v_handoff_lag',
        'every birth has an event or a pending row',
        `${unannounced_rows} of ${births} have neither`,
        seconds,
        'govctl handoff status',
      );
    }
    if (coverage.state !== 'ok' && coverage.state !== 'behind') {
      const fix = coverageFix(evidence, coverage) ?? 'govctl handoff status';
      finding('coverage', 'ok', `${coverage.state}: ${coverage.reason}`, null, fix);
    }
    return { findings, checked: births };
  } catch (error) {
    finding('births', 'readable', (error as Error).message, null, 'govctl doctor');
    return { findings, checked: 0 };
  }
}
