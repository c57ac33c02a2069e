import { exitCodes, isProblem, Problem, problemTable } from '@govctl/core/api';
import { CommanderError } from 'commander';

/** What a supervisor reads: sysexits.h, so that it knows what not to restart. */
export const daemonExit = { config: 78, permission: 77, database: 69, temporary: 75 } as const;

/** Says what went wrong and how to mend it, on standard error; answers the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code;
  if (!isProblem(error) && isSystemError(error))
    return report(new Problem('unavailable', { detail: error.message, hint: 'check the state folder and its disk', cause: error }));
  if (!isProblem(error)) {
    process.stderr.write(`error[internal]: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
  process.stderr.write(`error[${error.code}]: ${error.message}\n`);
  for (const reason of error.reasons ?? []) process.stderr.write(`  ${reason.path ?? ''}: ${reason.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`fix: ${error.hint}\n`);
  const cause = (error.cause as { code?: unknown } | undefined)?.code;
  if (error.code === 'forbidden' || /^(EACCES|EPERM|EROFS|SQLITE_READONLY.*|SQLITE_PERM)$/.test(String(cause)))
    return daemonExit.permission;
  if (error.code === 'locked') return daemonExit.temporary;
  if (error.code === 'unavailable') return daemonExit.database;
  if (problemTable[error.code].exit === 'usage') return daemonExit.config;
  return 1;
}

/** The operating system or the database said no: not a bug, and its stack tells nobody anything. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^(E[A-Z0-9]+|SQLITE_[A-Z_]+)$/.test(code);
}
