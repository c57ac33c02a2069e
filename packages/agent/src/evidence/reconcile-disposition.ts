import type { ReconcileFinding } from '@govctl/core/api';
import type { Database } from '../db/index.ts';
import { newestDisposition, unfinishedDispositions } from './disposition-queries.ts';

/** So many are named; more wait for these. */
const named = 100;

/** What was put on record as erased, and is still there: the end came between the two. */
export async function announcedDispositions(database: Database, now: string, checked: Record<string, number>): Promise<ReconcileFinding[]> {
  const [rows, [newest]] = await database.read([unfinishedDispositions({ limit: named }), newestDisposition({})]);
  checked.dispositions = newest?.number ?? 0;
  return rows.map(({ disposition_id, records, remaining, announced_at }) => ({
    class: 'world',
    check: 'disposition',
    severity: 'medium',
    subject: `disposition/${disposition_id}`,
    expected: `${records} payloads erased`,
    observed: `${remaining} still there`,
    age_s: Math.max(0, Math.round((Date.parse(now) - Date.parse(announced_at)) / 1000)),
    fix: 'govctl evidence disposition apply --reason TEXT',
  }));
}
