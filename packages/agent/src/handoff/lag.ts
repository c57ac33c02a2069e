import type { Pace } from '../audit/pace.ts';
import type { Database } from '../db/index.ts';
import type { HandoffQueries, LagRow } from './queries.ts';

/**
 * What `v_handoff_lag` says of every birth ever, page by page at a pace: no statement takes as long as there are births. A birth that
 * comes meanwhile is of the next reconciliation.
 */
export async function lagByPage(database: Database, queries: HandoffQueries, pace: Pace): Promise<LagRow> {
  const sum: LagRow = { births: 0, lag_rows: 0, unannounced_rows: 0 };
  const add = (found: LagRow | undefined) => {
    for (const name of ['births', 'lag_rows', 'unannounced_rows'] as const) sum[name] += found?.[name] ?? 0;
  };
  const [heads] = await database.read([queries.bornHeads({})]);
  if (heads.length === 0) add((await database.read([queries.handoffLag({})]))[0][0]);
  for (const { source, upto } of heads) {
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      const limit = pace.rows();
      const began = performance.now();
      const [[page]] = await database.read([queries.bornPage(source, { after, upto, limit })]);
      add(page);
      if (page === undefined || page.rows < limit) break;
      after = page.last;
      await pace.rest(page.rows, performance.now() - began);
    }
  }
  return sum;
}
