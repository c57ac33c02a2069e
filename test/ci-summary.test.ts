import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'govctl-summary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function closingLine(report: string): readonly [string, number | null] {
  const path = join(folder, 'report.json');
  writeFileSync(path, report);
  const ended = spawnSync(process.execPath, [join(import.meta.dirname, '../tools/test-summary.mjs'), path], { encoding: 'utf8' });
  return [ended.stdout, ended.status];
}

const file = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((test) => ({ status: test })) });
const report = (passed: number, failed: number, pending: number, ...files: unknown[]) =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numPendingTests: pending, numTodoTests: 0, testResults: files });

it('closes a run with what passed, and is red for every way a run can be bad', () => {
  expect(closingLine(report(2, 0, 0, file('passed', 'passed', 'passed')))).toEqual(['2 passed, 0 failed\n', 0]);
  expect(closingLine(report(1, 0, 1, file('passed', 'passed', 'pending')))).toEqual(['1 passed, 0 failed, 1 skipped\n', 0]);
  expect(closingLine(report(1, 1, 0, file('failed', 'passed', 'failed')))).toEqual(['1 passed, 1 failed\n', 1]);
  // A file that broke before its tests, no test at all, a report cut off, none.
  expect(closingLine(report(1, 0, 0, file('passed', 'passed'), file('failed')))).toEqual(['1 passed, 1 failed\n', 1]);
  expect(closingLine(report(0, 0, 0))).toEqual(['0 passed, 0 failed\n', 1]);
  expect(closingLine(report(1, 0, 0).slice(0, 40))).toEqual(['0 passed, 1 failed\n', 1]);
  expect(closingLine('')).toEqual(['0 passed, 1 failed\n', 1]);
});
