import type { ReconcileFinding } from '@govctl/core/api';
import { coverageFix, lagSeconds } from '@govctl/core/handoff';
import type { Pace } from '../audit/pace.ts';
import type { Database } from '../db/index.ts';
import { readCoverage } from './coverage.ts';
import { lagByPage } from './lag.ts';
import { type HandoffQueries, openQuarantine } from './queries.ts';

/**
 * The handoff as reconcile sees it: every birth ever against candidates and events, and coverage. Births that are on their way are
 * told as lag too; asking again a moment later says whether they arrived.
 */
export async function reconcileHandoff(database: Database, queries: HandoffQueries, now: string, blocker: string | null, pace: Pace) {
  const findings: ReconcileFinding[] = [];
  const finding = (subject: string, expected: string, observed: string, age: number | null, fix: string) =>
    findings.push({ class: 'world', check: 'handoff', severity: 'high', subject, expected, observed, age_s: age, fix });
  try {
    const { births, lag_rows, unannounced_rows } = await lagByPage(database, queries, pace);
    const [cursors, missing, quarantine] = await database.read([
      queries.cursorStatus({}),
      queries.missingSinceAudit({}),
      openQuarantine({}),
    ]);
    const { evidence, coverage } = readCoverage({ cursors, missing, quarantine }, now, blocker);
    const age = lagSeconds(evidence);
    const seconds = age === null ? null : Math.round(age);
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
