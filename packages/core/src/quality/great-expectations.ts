import { z } from 'zod';
import type { QualityCheck } from './check.ts';
import { checkMessage, checkName, finishImport, notThisKind, type QualityImport, ranAt, unexplained } from './import.ts';
import { readJson, shapeOf } from './json-file.ts';
import { type StatusTable, statusOf } from './status.ts';

const what = 'Great Expectations result';

/** What an expectation says, in the order it is asked: an exception counts before `success`, and so does an empty batch. */
export const greatExpectationsStatuses = {
  exception: { status: 'error', means: 'exception_info.raised_exception is true, whatever success says' },
  empty: { status: 'not_evaluated', means: 'success is true over no element at all (result.element_count is 0)' },
  null: { status: 'not_evaluated', means: 'success is null or missing' },
  true: { status: 'passed', means: 'success is true' },
  false: { status: 'failed', means: 'success is false' },
} as const satisfies StatusTable;

const names = z.union([z.string(), z.array(z.string())]).nullish();
const resultSchema = z.object({
  success: z.unknown().optional(),
  exception_info: z.record(z.string(), z.unknown()).nullish(),
  result: z
    .object({ element_count: z.unknown().optional(), observed_value: z.unknown().optional(), unexpected_count: z.unknown().optional() })
    .partial()
    .nullish(),
  expectation_config: z
    .object({
      type: z.string().nullish(),
      expectation_type: z.string().nullish(),
      severity: z.string().nullish(),
      kwargs: z.unknown().optional(),
    })
    .nullish(),
  // The short form of `describe()`.
  expectation_type: z.string().nullish(),
  kwargs: z.unknown().optional(),
});
const kwargsSchema = z.object({ column: names, column_A: names, column_B: names, column_list: names, column_set: names }).catch({});
const runIdSchema = z.union([z.string(), z.object({ run_time: z.string().nullish() })]).nullish();
const validationSchema = z.object({
  success: z.unknown().optional(),
  results: z.array(resultSchema).optional(),
  expectations: z.array(resultSchema).optional(),
  asset_name: z.string().nullish(),
  statistics: z.object({ unsuccessful_expectations: z.number().nullish() }).nullish(),
  meta: z
    .object({
      validation_time: z.string().nullish(),
      run_id: runIdSchema,
      data_asset_name: z.string().nullish(),
      active_batch_definition: z.object({ data_asset_name: z.string().nullish() }).nullish(),
    })
    .nullish(),
});
type Validation = z.infer<typeof validationSchema>;

const checkpointSchema = z.object({
  success: z.unknown().optional(),
  run_id: runIdSchema,
  // 0.18 has each validation under `validation_result`, 1.x has it bare.
  run_results: z.record(z.string(), z.union([z.object({ validation_result: validationSchema }), validationSchema])).optional(),
  validation_results: z.array(validationSchema).optional(),
});

/**
 * Quality results of Great Expectations, 0.18 and 1.x: a validation result, a checkpoint result, or what `describe()` gives. A check
 * is called `ASSET.EXPECTATION(COLUMN)`. It ran when its validation did (`meta.validation_time`, else `run_id.run_time`).
 *
 * @throws Problem `unprocessable` for anything that is not such a file, for a success that is no truth value, and for one without a check
 */
export function importGreatExpectations(bytes: Uint8Array): QualityImport {
  const json = readJson(bytes, what);
  const checkpoint = shapeOf(checkpointSchema, json, what);
  const many = checkpoint.validation_results ?? Object.values(checkpoint.run_results ?? {}).map(validationOf);
  const isMany = checkpoint.validation_results !== undefined || checkpoint.run_results !== undefined;
  const validations = isMany ? many : [shapeOf(validationSchema, json, what)];
  if (validations.every(({ results, expectations }) => (results ?? expectations)?.length === 0)) return finishImport(what, [], 0);
  const checks = validations.flatMap((validation, index) => checksOf(validation, `validation[${index}]`, checkpoint.run_id));
  if (isMany && checkpoint.success !== true && !checks.some(isBad))
    checks.push(unexplained('checkpoint', 'the checkpoint did not succeed, its validations show no failure', null));
  return finishImport(what, checks, 0);
}

function validationOf(run: { validation_result: Validation } | Validation): Validation {
  return 'validation_result' in run ? run.validation_result : run;
}

function checksOf(validation: Validation, at: string, run: z.infer<typeof runIdSchema>): QualityCheck[] {
  const { meta, statistics } = validation;
  const results = validation.results ?? validation.expectations;
  if (results === undefined) throw notThisKind(what, 'it has no results');
  const asset = meta?.active_batch_definition?.data_asset_name ?? meta?.data_asset_name ?? validation.asset_name ?? '';
  const ran_at = ranAt(iso(meta?.validation_time)) ?? ranAt(iso(timeOf(meta?.run_id))) ?? ranAt(iso(timeOf(run)));
  const checks = results.map((result, index) => checkOf(result, asset, `${at}.result[${index}]`, ran_at));
  if (checks.length === 0) return [unexplained(asset === '' ? at : asset, 'the validation holds no result: nothing was expected', ran_at)];
  const bad = checks.filter(isBad).length;
  const owed = Math.max(statistics?.unsuccessful_expectations ?? 0, validation.success === true ? 0 : 1);
  if (bad < owed) {
    const said = `the validation reports ${validation.success === true ? owed : `success ${String(validation.success)}`}, its results show ${bad} failures`;
    checks.push(unexplained(asset === '' ? at : asset, said, ran_at));
  }
  return checks;
}

function isBad({ status }: QualityCheck): boolean {
  return status !== 'passed';
}

function checkOf(result: z.infer<typeof resultSchema>, asset: string, fallback: string, ran_at: string | null): QualityCheck {
  const config = result.expectation_config;
  const type = config?.type ?? config?.expectation_type ?? result.expectation_type ?? '';
  const { column, column_A, column_B, column_list, column_set } = kwargsSchema.parse(config?.kwargs ?? result.kwargs ?? {});
  const columns = [column, column_A, column_B, column_list, column_set].flat().filter((one) => typeof one === 'string');
  const own = type === '' ? '' : `${type}${columns.length === 0 ? '' : `(${columns.join(', ')})`}`;
  const name = checkName(asset !== '' && own !== '' ? `${asset}.${own}` : own, fallback);
  const exception = raised(result.exception_info);
  const status = statusOf(greatExpectationsStatuses, exception === undefined ? wordOf(result) : 'exception', what, name);
  const seen = result.result?.unexpected_count ?? result.result?.observed_value;
  const message = status === 'passed' || seen === undefined || seen === null ? null : `found ${JSON.stringify(seen)}`;
  const severity = config?.severity === 'warning' || config?.severity === 'info' ? 'warn' : 'error';
  return { name, status, severity, ran_at, message: checkMessage(exception ?? message) };
}

function wordOf({ success, result }: z.infer<typeof resultSchema>): unknown {
  if (success === null || success === undefined) return 'null';
  if (typeof success !== 'boolean') return { success };
  return success && result?.element_count === 0 ? 'empty' : String(success);
}

/** 0.18 tells of one exception; 1.x of one for each metric, under the metric's name. */
function raised(info: Readonly<Record<string, unknown>> | null | undefined): string | undefined {
  const each = [info, ...Object.values(info ?? {})].filter((one) => typeof one === 'object' && one !== null) as Record<string, unknown>[];
  const one = each.find(
    ({ raised_exception }) => raised_exception !== undefined && raised_exception !== null && raised_exception !== false,
  );
  return one === undefined ? undefined : String(one.exception_message ?? 'it raised an exception');
}

function timeOf(run: z.infer<typeof runIdSchema>): string | null | undefined {
  return typeof run === 'string' ? run : run?.run_time;
}

/** `20240821T100000.123456Z`, as 0.18 writes a time. */
function iso(time: string | null | undefined): string | null | undefined {
  const [, year, month, day, hour, minute, rest] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d.*)$/.exec(time ?? '') ?? [];
  return year === undefined ? time : `${year}-${month}-${day}T${hour}:${minute}:${rest}`;
}
