import { Problem } from '../api/problem.ts';
import type { QualityCheck } from './check.ts';

/** What an importer made of a file. */
export type QualityImport = {
  readonly checks: readonly QualityCheck[];
  /** Entries that are no check at all (a model that was built), counted so that nothing vanishes unseen. */
  readonly ignored: number;
};

const maxMessage = 4096;
const maxName = 512;

/** Closes an import: a file that holds no check is an error, never a clean bill. */
export function finishImport(what: string, checks: readonly QualityCheck[], ignored: number): QualityImport {
  if (checks.length === 0) {
    throw new Problem('unprocessable', {
      detail: `the ${what} holds no check${ignored === 0 ? '' : ` (${ignored} entries are not checks)`}: nothing was tested`,
      hint: 'run the tests, and import the file they write',
    });
  }
  return { checks, ignored };
}

/** What a tool says of the whole that none of its checks shows: a check of its own, so that it cannot be overlooked. */
export function unexplained(name: string, message: string, ran_at: string | null): QualityCheck {
  return { name: checkName(name, 'result'), status: 'error', severity: 'error', ran_at, message: checkMessage(message) };
}

/** A file that is not what it should be. */
export function notThisKind(what: string, why: string): Problem {
  return new Problem('unprocessable', { detail: `this is not a ${what}: ${why}`, hint: 'govctl quality import --help' });
}

/** A name that can be required by a contract; `fallback` where the tool gave none. */
export function checkName(name: string, fallback: string): string {
  const trimmed = name.trim();
  return (trimmed === '' ? fallback : trimmed).slice(0, maxName);
}

export function checkMessage(message: string | null | undefined): string | null {
  const text = message?.trim();
  return text === undefined || text === '' ? null : text.slice(0, maxMessage);
}

/** A tool's own time as RFC 3339 in UTC, in milliseconds; null when it gave none that can be read. A time without a zone is UTC. */
export function ranAt(time: string | null | undefined): string | null {
  if (time === null || time === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(time)) return null;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`;
  const ms = Date.parse(zoned);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
