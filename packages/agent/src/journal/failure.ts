import { isProblem, Problem } from '@govctl/core/api';

/** SQLite's name of what went wrong; empty for anything else. */
function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}

/**
 * After these the connection is not believed any more: a write may have been lost although a later flush says that all is well.
 * A full disk is none of them: SQLite notices before it promises anything.
 */
export function losesTrust(error: unknown): boolean {
  return /^SQLITE_(IOERR|CORRUPT|NOTADB)/.test(sqliteCode(error));
}

/** Whether the fault lies in the unit, so that its neighbours in the group need not suffer: a broken constraint, a value SQLite does not take. */
export function isFaultOfUnit(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === '' || /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|ERROR|RANGE)/.test(code);
}

/** What a caller is told about a unit that could not be written. */
export function asProblem(error: unknown): unknown {
  const code = sqliteCode(error);
  if (isProblem(error) || code === '') return error;
  if (code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === 'SQLITE_CONSTRAINT_UNIQUE')
    return new Problem('conflict', {
      detail: 'nothing was done: something of the same name exists already',
      hint: 'read it again',
      cause: error,
    });
  if (isFaultOfUnit(error)) return error;
  if (code === 'SQLITE_FULL')
    return new Problem('evidence-unavailable', {
      detail: 'nothing was done: the database could not be written (the disk is full)',
      hint: 'free space on the state folder; retrying is safe',
      cause: error,
    });
  if (code.startsWith('SQLITE_BUSY'))
    return new Problem('evidence-unavailable', {
      detail: 'nothing was done: another process writes the database of governance, and did not end in time',
      hint: 'end what has govd.db open besides govd (a shell, a copy, a script); sending the same request again is safe',
      cause: error,
    });
  return new Problem('evidence-unavailable', {
    detail: losesTrust(error)
      ? `the disk failed while the database was written (${code}); nothing was acknowledged`
      : `nothing was done: the database could not be written (${code})`,
    hint: 'govctl doctor; sending the same request again is safe',
    cause: error,
  });
}
