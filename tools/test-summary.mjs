// The last line of a CI run, from vitest's JSON report: N passed, N failed, and how many were skipped. Plain JavaScript: it has to
// say something even where nothing could be installed.
import { readFileSync } from 'node:fs';

/** @param {string | undefined} path */
function counts(path) {
  try {
    const report = JSON.parse(readFileSync(path ?? '', 'utf8'));
    // A file that broke before its first test has failed, though no test of it has.
    const broken = report.testResults.filter(
      (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
    ).length;
    const skipped = report.numPendingTests + report.numTodoTests;
    return { passed: report.numPassedTests, failed: report.numFailedTests + broken, skipped };
  } catch {
    // No report: the run itself failed.
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const { passed, failed, skipped } = counts(process.argv[2]);
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
if (failed > 0 || passed === 0) process.exitCode = 1;
