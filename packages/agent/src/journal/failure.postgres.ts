import { isProblem, Problem } from '@govctl/core/api';
import { describeFailure, isConnectionLost, isContention, isFaultOfStatement, postgresCode } from '../db/index.ts';

/** What a caller is told about a unit that was not written to PostgreSQL. */
export function asPostgresProblem(error: unknown): unknown {
  const code = postgresCode(error);
  if (isProblem(error)) return error;
  if (code === '23505')
    return new Problem('conflict', {
      detail: 'nothing was done: something of the same name exists already',
      hint: 'read it again',
      cause: error,
    });
  if (isFaultOfStatement(error)) return error;
  const known = isConnectionLost(error) || isContention(error) || /^(28|3D|3F|53|57|58|XX|25|42501|42P01)/.test(code);
  if (!known) return error;
  return new Problem('evidence-unavailable', {
    detail: isContention(error)
      ? `nothing was done: others were writing the same at the same time (${code})`
      : `nothing was done: PostgreSQL could not be written: ${describeFailure(error)}`,
    hint: 'govctl doctor; sending the same request again is safe',
    cause: error,
  });
}
