import { emptyRoot, type TreeHead } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { newestWitnessed } from '../witness/queries.ts';
import { newestHead } from './queries.ts';

/** The committed head; the empty tree where nothing was ever logged. */
export async function committedHead(database: Database): Promise<Omit<TreeHead, 'origin'>> {
  const [[head]] = await database.read([newestHead({})]);
  return head ?? { size: 0, root: emptyRoot };
}

/**
 * The head that others are shown: where witnesses are needed the newest they cosigned, if it has the leaf that is asked about; else the
 * committed one.
 */
export async function servedHead(database: Database, quorum: number, leafIndex = -1): Promise<Omit<TreeHead, 'origin'>> {
  if (quorum === 0) return await committedHead(database);
  const [[witnessed]] = await database.read([newestWitnessed({})]);
  return witnessed !== undefined && witnessed.size > leafIndex ? witnessed : await committedHead(database);
}
