import type { HandoffQueries } from './queries.ts';
import type { SourcesSql } from './source.postgres.ts';
import { bornHeadsSql, bornPageSql, cursorStatusSql, lagSql, missingSinceAuditSql } from './status-sql.postgres.ts';

/** The reads that name the birth tables. `sources` is asked each time: what the catalog says of them may change. */
export function postgresHandoffQueries(sources: () => SourcesSql): HandoffQueries {
  return {
    cursorStatus: () => ({ name: 'handoff cursors', sql: cursorStatusSql(sources()), params: {} }),
    missingSinceAudit: () => ({ name: 'births without candidate or event', sql: missingSinceAuditSql(sources()), params: {} }),
    handoffLag: () => ({ name: 'handoff lag', sql: lagSql(sources()), params: {} }),
    bornHeads: () => ({ name: 'heads of births', sql: bornHeadsSql(sources()), params: {} }),
    bornPage: (source, params) => ({ name: `a page of ${source}`, sql: bornPageSql(sources(), source), params }),
  };
}
