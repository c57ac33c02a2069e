import { query } from '../db/index.ts';
import type { BornHead, BornPage, CursorStatusRow, HandoffQueries, LagRow } from './queries.ts';
import { bornHeadsSql, bornPageSql, missingSinceAuditSql, provedAtOnce, sources, unreadBeyondSql } from './tail-sql.ts';

const pageOf = (source: BornHead['source']) =>
  query<{ after: number; upto: number; limit: number }, BornPage>(`a page of ${source}`, bornPageSql(source));
const bornPages = { birth_registry: pageOf('birth_registry'), registry_changelog: pageOf('registry_changelog') } as const;

/** On a connection with births attached (`attachBirths`). */
export const sqliteHandoffQueries: HandoffQueries = {
  cursorStatus: query<Record<never, never>, CursorStatusRow>(
    'handoff cursors',
    `SELECT c.source, c.shard, c.low_water, c.low_water AS position,
       coalesce((SELECT s.seq FROM births.sqlite_sequence s WHERE s.name = c.source), 0) AS head,
       max(0, c.low_water - c.audited_upto - ${provedAtOnce}) AS unproved_rows,
       c.fence, c.last_poll_at, c.last_progress_at, c.last_settled_at, c.alarm,
       c.paused_at, c.paused_by, c.pause_reason
     FROM handoff_cursor c ORDER BY c.source, c.shard`,
  ),
  missingSinceAudit: query<Record<never, never>, { lag_rows: number; unannounced_rows: number }>(
    'births without candidate or event',
    `SELECT sum(lag_rows) AS lag_rows, sum(unannounced_rows) AS unannounced_rows FROM (
       ${missingSinceAuditSql('birth_registry')} UNION ALL ${missingSinceAuditSql('registry_changelog', sources.birth_registry.table)}
       UNION ALL ${unreadBeyondSql})`,
  ),
  handoffLag: query<Record<never, never>, LagRow>('handoff lag', 'SELECT * FROM v_handoff_lag'),
  bornHeads: query<Record<never, never>, BornHead>('heads of births', bornHeadsSql),
  bornPage: (source, params) => bornPages[source](params),
};
