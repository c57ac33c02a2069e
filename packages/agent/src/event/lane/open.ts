import type { LaneName } from '@govctl/core/event';
import type { Database } from '../../db/index.ts';
import type { Journal } from '../../journal/index.ts';
import { eventHead } from '../queries.ts';

type OpenDependencies = { readonly database: Database; readonly journal: Pick<Journal, 'commit'>; readonly now: () => string };

/**
 * Lets a reader begin, if it never did: at the newest position, so that it hears nothing of what was long before. Asked before anything
 * is served, so that it misses nothing of what comes; where nothing can be written then, its first round asks again.
 */
export async function openLane({ database, journal, now }: OpenDependencies, lane: { lane: LaneName; consumer: string }): Promise<void> {
  const [[head]] = await database.read([eventHead({})]);
  const values = { ...lane, position: head?.head ?? 0, at: now() };
  await journal.commit({ label: `${lane.lane}.open`, changes: [{ write: 'lane.open', values }], records: [], events: [] });
}
