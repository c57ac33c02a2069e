import { exitCodes, isProblem, problemTable } from '@govctl/core/api';
import { CommanderError } from 'commander';

/** What a supervisor reads: sysexits.h, so that it knows what not to restart. */
const daemonExit = { config: 78, permission: 77, database: 69, temporary: 75 } as const;

/** Says what went wrong and how to mend it, on standard error; answers the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code;
  if (!isProblem(error)) {
    process.stderr.write(`error[internal]: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
  process.stderr.write(`error[${error.code}]: ${error.message}\n`);
  for (const reason of error.reasons ?? []) process.stderr.write(`  ${reason.path ?? ''}: ${reason.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`fix: ${error.hint}\n`);
  const cause = error.cause as { code?: string } | undefined;
  if (cause?.code === 'EACCES' || cause?.code === 'EPERM' || cause?.code === 'EROFS') return daemonExit.permission;
  if (error.code === 'locked') return daemonExit.temporary;
  if (error.code === 'unavailable') return daemonExit.database;
  if (problemTable[error.code].exit === 'usage') return daemonExit.config;
  return 1;
}
