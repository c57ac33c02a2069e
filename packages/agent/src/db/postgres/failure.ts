import { isProblem, Problem } from '@govctl/core/api';

/** PostgreSQL's name of what went wrong (SQLSTATE), or the operating system's; empty for anything else. */
export function postgresCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** 55000: the database takes no connections now (ALLOW_CONNECTIONS false), as while it is restored or upgraded. */
const lostStates = /^(08...|57P0[1-5]|25P03|55000|ECONN.*|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT|EACCES|ENOTFOUND|EAI_AGAIN)$/;

/** Whether the connection is gone, or cannot be had: what was under way has an outcome nobody here knows. */
export function isConnectionLost(error: unknown): boolean {
  if (lostStates.test(postgresCode(error))) return true;
  return (
    error instanceof Error &&
    /^(Connection terminated|Client has encountered a connection error|Query read timeout)|timeout e/.test(error.message)
  );
}

/** Half-open: the server did not answer. Whoever asked has waited long enough, and another connection is as likely to be dead. */
export function isSilent(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** Contention: somebody else was first or holds a lock. Doing the same again may work. */
export function isContention(error: unknown): boolean {
  return /^(40001|40P01|55P03|57014)$/.test(postgresCode(error));
}

/** A broken constraint or a value the server does not take: the fault of one unit, which its neighbours need not suffer. */
export function isFaultOfStatement(error: unknown): boolean {
  return /^(22|23)/.test(postgresCode(error));
}

/** What the server cannot do now, in words for an operator; never the text of a statement or a password. */
export function describeFailure(error: unknown): string {
  const code = postgresCode(error);
  if (code === '28P01' || code === '28000') return 'it does not accept this user and password';
  if (code === '3D000') return 'the database does not exist there';
  if (code === '53300') return 'it has no connection free (too many clients)';
  if (code === '53100') return 'its disk is full';
  if (code === '25006') return 'it takes no writes (read-only)';
  if (code === '57P03') return 'it is starting up, or shutting down';
  if (code === '57P01') return 'it is being stopped, or somebody ended this connection';
  if (code === '42501') return `this role lacks a right (${(error as Error).message}); govd migrate grants them`;
  if (code === '42P01' || code === '3F000') return `its schema is not that of govd (${(error as Error).message}); run govd migrate`;
  return code === '' ? (error as Error).message : `${(error as Error).message} (${code})`;
}

/** The server's fault, as a problem; anything else stays what it is. */
export function unreachable(error: unknown): unknown {
  if (isProblem(error)) return error;
  const code = postgresCode(error);
  const known = isConnectionLost(error) || isContention(error) || /^(28|3D|3F|53|57|58|XX|25006|42501|42P01)/.test(code);
  if (!known) return error;
  return new Problem('unavailable', {
    detail: `PostgreSQL cannot be used now: ${describeFailure(error)}`,
    hint: 'govctl doctor; asking again is safe',
    cause: error,
  });
}
