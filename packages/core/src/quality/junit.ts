import { SaxesParser } from 'saxes';
import type { CheckStatus, QualityCheck } from './check.ts';
import { checkMessage, checkName, finishImport, notThisKind, type QualityImport, ranAt, unexplained } from './import.ts';
import { type StatusTable, worseStatus } from './status.ts';

/** What stands inside a `testcase` and what it means; an element that is not here is an error. When several stand there, the worst holds. */
export const junitStatuses = {
  '(nothing)': { status: 'passed', means: 'the case is empty, and has no status, or run, passed or success as one' },
  failure: { status: 'failed', means: 'it failed' },
  error: { status: 'error', means: 'it broke' },
  skipped: { status: 'skipped', means: 'it was skipped' },
  // Surefire: it failed or broke first and passed on a later try. Data does not get better by asking twice.
  flakyFailure: { status: 'failed', means: 'it failed, and passed when asked again' },
  flakyError: { status: 'error', means: 'it broke, and passed when asked again' },
  rerunFailure: { status: 'failed', means: 'it failed again' },
  rerunError: { status: 'error', means: 'it broke again' },
} as const satisfies StatusTable;

/** What may stand in a case and says nothing of how it went. */
const silent = new Set(['system-out', 'system-err', 'properties']);

function outcomeOf(element: string): CheckStatus {
  const table: StatusTable = junitStatuses;
  return Object.hasOwn(table, element) ? (table[element]?.status ?? 'error') : 'error';
}

const maxDepth = 64;

/**
 * Quality results from a JUnit XML report: one check a `testcase`, called by its `name`. A case runs when its suite says it ran
 * (`timestamp`), for JUnit has no time of a case; without one the run time is not known, and freshness will ask for it.
 *
 * Document types are refused, and entities with them: a small report cannot become a large one.
 *
 * @throws Problem `unprocessable` for anything that is not such a report, and for one without a case
 */
export function importJunit(xml: string): QualityImport {
  const checks: QualityCheck[] = [];
  const path: { readonly name: string; readonly timestamp: string | undefined; readonly firstCase: number; readonly owed: number }[] = [];
  let open: { name: string; status: CheckStatus; message: string | undefined; text: string } | undefined;

  const parser = new SaxesParser({ xmlns: false });
  parser.on('error', (error) => {
    throw notThisKind('JUnit report', error.message);
  });
  parser.on('doctype', () => {
    throw notThisKind('JUnit report', 'it declares a document type');
  });
  parser.on('opentag', ({ name, attributes }) => {
    const parent = path.at(-1)?.name;
    if (path.length === 0 && name !== 'testsuites' && name !== 'testsuite') throw notThisKind('JUnit report', `its root is <${name}>`);
    if (path.length >= maxDepth) throw notThisKind('JUnit report', `it is nested deeper than ${maxDepth}`);
    path.push({
      name,
      timestamp: attributes.timestamp ?? path.at(-1)?.timestamp,
      firstCase: checks.length,
      owed: count(attributes.failures) + count(attributes.errors),
    });
    if (name === 'testcase') {
      open = {
        name: checkName(attributes.name ?? '', `testcase[${checks.length}]`),
        status: statusWord(attributes.status),
        message: undefined,
        text: '',
      };
    } else if (open !== undefined && parent === 'testcase') {
      if (silent.has(name)) return;
      const status = worseStatus(open.status, outcomeOf(name));
      if (worseStatus(outcomeOf(name), open.status) === outcomeOf(name)) open.message = attributes.message ?? open.message;
      open.status = status;
    }
  });
  parser.on('text', (text) => {
    const element = path.at(-1)?.name ?? '';
    if (open !== undefined && open.text.length < 4096 && Object.hasOwn(junitStatuses, element)) open.text += text;
  });
  parser.on('closetag', ({ name }) => {
    const closed = path.pop();
    if (closed !== undefined && name === 'testsuite') checks.push(...brokenSuite(closed, checks));
    if (name !== 'testcase' || open === undefined) return;
    const { name: check, status, message, text } = open;
    checks.push({ name: check, status, severity: 'error', ran_at: ranAt(closed?.timestamp), message: checkMessage(message ?? text) });
    open = undefined;
  });
  parser.write(xml).close();
  return finishImport('JUnit report', checks, 0);
}

// A suite may say that something broke which is in none of its cases: a file that did not load, a set-up that threw.
function brokenSuite(
  suite: { readonly firstCase: number; readonly owed: number; readonly timestamp: string | undefined },
  checks: readonly QualityCheck[],
): QualityCheck[] {
  const shown = checks.slice(suite.firstCase).filter(({ status }) => status === 'failed' || status === 'error').length;
  if (shown >= suite.owed) return [];
  const said = `the suite reports ${suite.owed} failures and errors, its cases show ${shown}`;
  return [unexplained(`suite[${suite.firstCase}]`, said, ranAt(suite.timestamp))];
}

function count(text: string | undefined): number {
  const number = Number(text ?? '0');
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

// Some writers (gtest, nextest) say in an attribute that a case was not run at all.
function statusWord(word: string | undefined): CheckStatus {
  switch (word?.toLowerCase()) {
    case undefined:
    case 'run':
    case 'passed':
    case 'success':
      return 'passed';
    case 'notrun':
    case 'disabled':
      return 'not_evaluated';
    case 'skipped':
      return 'skipped';
    case 'failed':
    case 'failure':
      return 'failed';
    default:
      return 'error';
  }
}
