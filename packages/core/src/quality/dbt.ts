import { z } from 'zod';
import type { CheckStatus, QualityCheck } from './check.ts';
import { checkMessage, checkName, finishImport, notThisKind, type QualityImport, ranAt } from './import.ts';

/**
 * dbt's words for an outcome, of every artifact version up to v6 (TestStatus, RunStatus, FreshnessStatus). A word that is not here
 * is an error: a later dbt may mean anything by it.
 */
const statuses: Readonly<Record<string, CheckStatus>> = {
  pass: 'passed',
  fail: 'failed',
  warn: 'warned',
  error: 'error',
  'runtime error': 'error',
  skipped: 'skipped',
  success: 'passed',
  'partial success': 'failed',
  'no-op': 'not_evaluated',
};

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
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw notThisKind('dbt run_results.json', cause instanceof Error ? cause.message : String(cause));
  }
  const parsed = runResultsSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw notThisKind('dbt run_results.json', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong form'}`);
  }
  const { metadata, results } = parsed.data;
  if (!metadata.dbt_schema_version.includes('/run-results/')) {
    throw notThisKind('dbt run_results.json', `its schema is ${metadata.dbt_schema_version}`);
  }
  const counted = results.map((result, index) => ({ result, index })).filter(({ result }) => isTest(result) || result.status !== 'success');
  const checks = counted.map(({ result, index }) => checkOf(result, index));
  return finishImport('dbt run_results.json', checks, results.length - checks.length);
}

function isTest({ unique_id }: DbtResult): boolean {
  return !/^(model|seed|snapshot|operation)\./.test(unique_id ?? '');
}

function checkOf(result: DbtResult, index: number): QualityCheck {
  const [, , name = ''] = (result.unique_id ?? '').split('.');
  const known = Object.hasOwn(statuses, result.status) ? statuses[result.status] : undefined;
  const message = checkMessage(result.message === null || result.message === undefined ? null : String(result.message));
  return {
    name: checkName(name === '' ? (result.unique_id ?? '') : name, `result[${index}]`),
    status: known ?? 'error',
    severity: result.status === 'warn' ? 'warn' : 'error',
    ran_at: ranAt(result.timing?.at(-1)?.completed_at),
    message: known === undefined ? `unknown dbt status '${result.status}'` : message,
  };
}
