import { exitCodes, isProblem, Problem, type ProblemDocument, problemTable, schemaVersion } from '@govctl/core/api';
import { formatJson } from './json.ts';
import { createPaint } from './paint.ts';
import { plain } from './table/text.ts';

export { faultOfFlag } from './fault-of-flag.ts';

/** Anything that was thrown, as a problem. What is not one is a bug of ours, and says so. */
export function asProblem(error: unknown): Problem {
  if (isProblem(error)) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const path = (error as NodeJS.ErrnoException | undefined)?.path;
  if (typeof code === 'string' && (path !== undefined || code === 'ENOSPC' || code === 'EIO')) {
    return new Problem('io', { detail: (error as Error).message, hint: ioHint(code, path), cause: error });
  }
  return new Problem('bug', {
    detail: error instanceof Error ? error.message : String(error),
    hint: 'run it again with GOVCTL_DEBUG=1 and report what it prints',
    cause: error,
  });
}

function ioHint(code: string, path: string | undefined): string {
  if (code === 'ENOENT') return `check the path: ls -ld ${path ?? ''}`;
  if (code === 'EACCES' || code === 'EPERM') return `check the permissions: ls -ld ${path ?? ''}`;
  return code === 'ENOSPC' ? 'free some space: df -h' : `check the file: ls -ld ${path ?? ''}`;
}

/** The number a problem ends the process with. */
export function exitCodeOf(problem: Problem, terminated: boolean): number {
  if (problem.code === 'cancelled' && terminated) return 143;
  return exitCodes[problemTable[problem.code].exit].code;
}

/** One object for a program; for a person what, why, where to read more, and last how to mend it. */
export async function formatProblem(
  problem: Problem,
  options: { readonly machine: boolean; readonly color: boolean; readonly debug: boolean },
): Promise<string> {
  const requestId = (problem as { requestId?: string }).requestId;
  if (options.machine) return formatJson(problemDocument(problem, requestId));
  const paint = await createPaint(options.color);
  const lines = [
    `${paint.bad(`error[${problem.code}]:`)} ${problemTable[problem.code].title}`,
    `${paint.strong('why:')} ${plain(problem.message)}`,
  ];
  for (const { path, message } of problem.reasons ?? []) {
    const reason = path === undefined ? message : `${path}: ${message}`;
    // One that the line above says in the same words is not said again.
    if (![message, reason].includes(problem.message)) lines.push(`  - ${plain(reason)}`);
  }
  if (requestId !== undefined) lines.push(`${paint.strong('request-id:')} ${plain(requestId)}`);
  lines.push(`${paint.strong('docs:')} docs/errors.md#${problem.code}`);
  if (options.debug) lines.push(stackOf(problem));
  if (problem.hint !== undefined) lines.push(`${paint.strong('fix:')} ${plain(problem.hint)}`);
  return `${lines.join('\n')}\n`;
}

function problemDocument(problem: Problem, requestId: string | undefined): { schemaVersion: string; kind: 'Problem' } & ProblemDocument {
  return { schemaVersion, kind: 'Problem', ...problem.toDocument(requestId) };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
