import { z } from 'zod';
import type { QualityCheck } from './check.ts';
import { checkMessage, checkName, finishImport, type QualityImport, ranAt, unexplained } from './import.ts';
import { readJson, shapeOf } from './json-file.ts';
import { type StatusTable, statusOf } from './status.ts';

const what = 'Soda scan result';

/** Soda's outcomes. A check that could not be evaluated has none, and Soda leaves it out of the file or writes null. */
export const sodaStatuses = {
  pass: { status: 'passed', means: 'the check passed' },
  warn: { status: 'warned', means: 'a threshold of warn was crossed' },
  fail: { status: 'failed', means: 'the check failed' },
  null: { status: 'not_evaluated', means: 'no outcome: the check was not evaluated' },
} as const satisfies StatusTable;

const checkSchema = z.object({
  name: z.string().nullish(),
  definition: z.string().nullish(),
  table: z.string().nullish(),
  outcome: z.unknown().optional(),
  outcomeReasons: z.array(z.unknown()).nullish(),
});

const scanSchema = z.object({
  scanStartTimestamp: z.string().nullish(),
  hasErrors: z.boolean(),
  hasFailures: z.boolean(),
  checks: z.array(checkSchema),
  automatedMonitoringChecks: z.array(checkSchema).nullish(),
  logs: z.array(z.object({ level: z.string().nullish(), message: z.string().nullish() })).nullish(),
});

/**
 * Quality results of a Soda scan (`soda scan -srf FILE`, `scan.get_scan_results()`). A check is called `TABLE.NAME`. Soda leaves
 * what it could not evaluate out of the list and only says that there were errors: such a scan holds an error of its own.
 *
 * @throws Problem `unprocessable` for anything that is not such a file, for an outcome that is not known, and for one without a check
 */
export function importSoda(bytes: Uint8Array): QualityImport {
  const scan = shapeOf(scanSchema, readJson(bytes, what), what);
  const ran_at = ranAt(scan.scanStartTimestamp);
  const checks = [...scan.checks, ...(scan.automatedMonitoringChecks ?? [])].map((check, index): QualityCheck => {
    const own = (check.name ?? '').trim() || (check.definition ?? '');
    const name = checkName(check.table && own !== '' ? `${check.table}.${own}` : own, `check[${index}]`);
    const status = statusOf(sodaStatuses, wordOf(check.outcome), what, name);
    const reasons = (check.outcomeReasons ?? []).map((reason) => (typeof reason === 'string' ? reason : JSON.stringify(reason)));
    return { name, status, severity: status === 'warned' ? 'warn' : 'error', ran_at, message: checkMessage(reasons.join('; ')) };
  });
  if (scan.hasErrors) {
    const logged = scan.logs?.find(({ level }) => level?.toLowerCase() === 'error')?.message;
    checks.push(unexplained('scan', `the scan had errors${logged ? `: ${logged}` : ''}`, ran_at));
  } else if (scan.hasFailures && !checks.some(({ status }) => status === 'failed')) {
    checks.push(unexplained('scan', 'the scan reports failures, its checks show none', ran_at));
  }
  return finishImport(what, checks, 0);
}

function wordOf(outcome: unknown): unknown {
  if (outcome === null || outcome === undefined) return 'null';
  return outcome === 'null' ? { outcome } : outcome;
}
