import { z } from 'zod';
import type { QualityCheck } from './check.ts';
import { checkMessage, checkName, finishImport, notThisKind, type QualityImport, ranAt } from './import.ts';
import { readJson, shapeOf } from './json-file.ts';
import type { StatusTable } from './status.ts';

const what = 'dbt run_results.json';

/**
 * dbt's words for an outcome, of every artifact version up to v6 (TestStatus, RunStatus, FreshnessStatus). A word that is not here
 * is an error: a later dbt may mean anything by it.
 */
export const dbtStatuses = {
  pass: { status: 'passed', means: 'the test passed' },
  success: { status: 'passed', means: 'the unit test passed (a built model is no check)' },
  fail: { status: 'failed', means: 'the test failed' },
  'partial success': { status: 'failed', means: 'some of its batches failed' },
  warn: { status: 'warned', means: 'the test failed with severity warn' },
  error: { status: 'error', means: 'it broke' },
  'runtime error': { status: 'error', means: 'it broke' },
  skipped: { status: 'skipped', means: 'it was skipped' },
  'no-op': { status: 'not_evaluated', means: 'nothing was done' },
} as const satisfies StatusTable;

// Read openly: dbt adds fields with every version. What is used is checked.
const runResultsSchema = z.object({
  metadata: z.object({ dbt_schema_version: z.string() }),
  results: z.array(
    z.object({
      status: z.string(),
      unique_id: z.string().nullish(),
      timing: z.array(z.object({ completed_at: z.string().nullish() })).nullish(),
      message: z.union([z.string(), z.number()]).nullish(),
      failures: z.union([z.number(), z.string()]).nullish(),
    }),
  ),
});

type DbtResult = z.infer<typeof runResultsSchema>['results'][number];

/**
 * Quality results from a dbt `run_results.json`. A check is called what the test is called (`test.shop.unique_orders_id.5f1c` is
 * `unique_orders_id`). A model that was built is not a test and is not counted; one that was not built is kept as what it is,
 * because the tests behind it said nothing.
 *
 * @throws Problem `unprocessable` for anything that is not such a file, and for one without a result
 */
export function importDbt(bytes: Uint8Array): QualityImport {
  const { metadata, results } = shapeOf(runResultsSchema, readJson(bytes, what), what);
  if (!metadata.dbt_schema_version.includes('/run-results/')) {
    throw notThisKind(what, `its schema is ${metadata.dbt_schema_version}`);
  }
  const counted = results.map((result, index) => ({ result, index })).filter(({ result }) => isTest(result) || result.status !== 'success');
  const checks = counted.map(({ result, index }) => checkOf(result, index));
  return finishImport(what, checks, results.length - checks.length);
}

function isTest({ unique_id }: DbtResult): boolean {
  return !/^(model|seed|snapshot|operation)\./.test(unique_id ?? '');
}

function checkOf(result: DbtResult, index: number): QualityCheck {
  const [, , name = ''] = (result.unique_id ?? '').split('.');
  const table: StatusTable = dbtStatuses;
  const known = Object.hasOwn(table, result.status) ? table[result.status]?.status : undefined;
  const message = checkMessage(result.message === null || result.message === undefined ? null : String(result.message));
  return {
    name: checkName(name === '' ? (result.unique_id ?? '') : name, `result[${index}]`),
    status: known ?? 'error',
    severity: result.status === 'warn' ? 'warn' : 'error',
    ran_at: ranAt(result.timing?.at(-1)?.completed_at),
    message: known === undefined ? `unknown dbt status '${result.status}'` : message,
  };
}
