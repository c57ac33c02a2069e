import { z } from 'zod';
import { isProblem, Problem } from '../api/problem.ts';
import type { QualityCheck } from './check.ts';
import { checkMessage, checkName, finishImport, notThisKind, type QualityImport, ranAt, unexplained } from './import.ts';
import { readJson, shapeOf } from './json-file.ts';
import { type StatusTable, statusOf, worseStatus } from './status.ts';

const what = 'OpenLineage event';

/** `success` of an assertion (DataQualityAssertionsDatasetFacet) and `status` of a test (TestRunFacet). Severity changes neither. */
export const openlineageStatuses = {
  true: { status: 'passed', means: 'assertion: success is true, and the run has ended' },
  false: { status: 'failed', means: 'assertion: success is false' },
  null: { status: 'not_evaluated', means: 'assertion: success is null or missing' },
  pass: { status: 'passed', means: 'test: passed, and the run has ended' },
  fail: { status: 'failed', means: 'test: failed' },
  skip: { status: 'skipped', means: 'test: was skipped' },
} as const satisfies StatusTable;

const assertionWords = { true: openlineageStatuses.true, false: openlineageStatuses.false, null: openlineageStatuses.null };
const testWords = { pass: openlineageStatuses.pass, fail: openlineageStatuses.fail, skip: openlineageStatuses.skip };

/** How a run can stand. What is not an end is no verdict: an assertion of a run that goes on may still change. */
const ends: Readonly<Record<string, 'good' | 'bad' | undefined>> = {
  START: undefined,
  RUNNING: undefined,
  OTHER: undefined,
  COMPLETE: 'good',
  FAIL: 'bad',
  ABORT: 'bad',
};

const severity = z.string().nullish();
const assertionsFacet = z.object({
  dataQualityAssertions: z
    .object({
      assertions: z.array(z.object({ assertion: z.string(), success: z.unknown().optional(), column: z.string().nullish(), severity })),
    })
    .nullish(),
});
const datasetSchema = z.object({
  name: z.string(),
  facets: assertionsFacet.nullish(),
  inputFacets: assertionsFacet.nullish(),
  outputFacets: assertionsFacet.nullish(),
});
const testSchema = z.object({
  name: z.string(),
  status: z.unknown().optional(),
  severity,
  actual: z.unknown().optional(),
  expected: z.unknown().optional(),
});
const eventSchema = z.object({
  eventType: z.string().nullish(),
  eventTime: z.string(),
  run: z.object({ runId: z.string(), facets: z.object({ test: z.object({ tests: z.array(testSchema) }).nullish() }).nullish() }).nullish(),
  job: z.object({ name: z.string() }).nullish(),
  inputs: z.array(datasetSchema).nullish(),
  outputs: z.array(datasetSchema).nullish(),
});
type Event = z.infer<typeof eventSchema>;
type Run = { end: 'good' | 'bad' | undefined; job: string; ran_at: string | null; readonly checks: Map<string, QualityCheck> };

/**
 * Quality results out of OpenLineage run events: one event, a list of them, or a line each. A check is called
 * `DATASET.ASSERTION(COLUMN)`, a test by its name. Facets of a run add up over its events; of a check that is told of more than once
 * the worst holds, its age is that of the last event. Nothing passes in a run whose end is not in the file.
 *
 * @throws Problem `unprocessable` for anything that is not such a file, for a word that is not known, and for one without a check
 */
export function importOpenlineage(bytes: Uint8Array): QualityImport {
  const runs = new Map<string, Run>();
  let ignored = 0;
  for (const event of eventsOf(bytes)) {
    const { run } = event;
    const type = event.eventType ?? 'OTHER';
    if (!Object.hasOwn(ends, type))
      throw new Problem('unprocessable', {
        detail: `the ${what} has the type ${JSON.stringify(type.slice(0, 100))}; known are ${Object.keys(ends).join(', ')}`,
        hint: 'govctl quality import --help',
      });
    const found = checksOf(event);
    if (run === null || run === undefined) {
      if (found.length > 0) throw notThisKind(what, 'it has assertions, but no run that made them');
      ignored += 1;
      continue;
    }
    const known = runs.get(run.runId) ?? { end: undefined, job: '', ran_at: null, checks: new Map<string, QualityCheck>() };
    runs.set(run.runId, known);
    known.end = ends[type] === 'bad' || known.end === 'bad' ? 'bad' : (ends[type] ?? known.end);
    known.job = event.job?.name ?? known.job;
    known.ran_at = ranAt(event.eventTime) ?? known.ran_at;
    if (found.length === 0 && ends[type] !== 'bad') ignored += 1;
    add(known.checks, found);
  }
  return finishImport(
    what,
    [...runs.values()].flatMap((run) => closed(run)),
    ignored,
  );
}

function eventsOf(bytes: Uint8Array): Event[] {
  let whole: unknown;
  try {
    whole = readJson(bytes, what);
  } catch (error) {
    const lines = new TextDecoder().decode(bytes).split('\n');
    if (!isProblem(error) || lines.filter((line) => line.trim() !== '').length < 2) throw error;
    return lines.flatMap((line, index) => {
      if (line.trim() === '') return [];
      const where = `${what} in line ${index + 1}`;
      return [shapeOf(eventSchema, readJson(Buffer.from(line), where), where)];
    });
  }
  return (Array.isArray(whole) ? whole : [whole]).map((event) => shapeOf(eventSchema, event, what));
}

function checksOf({ eventTime, inputs, outputs, run }: Event): QualityCheck[] {
  const ran_at = ranAt(eventTime);
  const weight = (one: string | null | undefined) => (one === 'warn' ? 'warn' : 'error');
  const assertions = [...(inputs ?? []), ...(outputs ?? [])].flatMap((dataset) =>
    [dataset.facets, dataset.inputFacets, dataset.outputFacets].flatMap((facets) =>
      (facets?.dataQualityAssertions?.assertions ?? []).map(({ assertion, success, column, severity: own }): QualityCheck => {
        const name = checkName(`${dataset.name}.${assertion}${column ? `(${column})` : ''}`, 'assertion');
        const word = success === undefined || success === null ? 'null' : typeof success === 'boolean' ? String(success) : { success };
        return { name, status: statusOf(assertionWords, word, what, name), severity: weight(own), ran_at, message: null };
      }),
    ),
  );
  const tests = (run?.facets?.test?.tests ?? []).map((test): QualityCheck => {
    const name = checkName(test.name, 'test');
    const status = statusOf(testWords, test.status, what, name);
    const seen = `expected ${JSON.stringify(test.expected ?? null)}, found ${JSON.stringify(test.actual ?? null)}`;
    return { name, status, severity: weight(test.severity), ran_at, message: checkMessage(status === 'failed' ? seen : null) };
  });
  return [...assertions, ...tests];
}

/** What an event tells again of a run is the same check; what one event tells twice are two. */
function add(checks: Map<string, QualityCheck>, found: readonly QualityCheck[]): void {
  const times = new Map<string, number>();
  for (const check of found) {
    const time = times.get(check.name) ?? 0;
    times.set(check.name, time + 1);
    const key = `${check.name}\n${time}`;
    const before = checks.get(key);
    checks.set(key, before === undefined ? check : { ...check, status: worseStatus(before.status, check.status) });
  }
}

function closed({ checks: found, end, job, ran_at }: Run): QualityCheck[] {
  const checks = [...found.values()];
  if (end === undefined) {
    return checks.map((check) =>
      check.status === 'passed' ? { ...check, status: 'not_evaluated', message: 'the end of the run is not in the file' } : check,
    );
  }
  if (end === 'good' || checks.some(({ status }) => status !== 'passed')) return checks;
  return [...checks, unexplained(`run.${job}`, 'the run failed or was aborted, its assertions show no failure', ran_at)];
}
