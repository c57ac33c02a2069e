import { emptyRoot, type TreeHead } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { newestHead } from './queries.ts';

/** The committed head; the empty tree where nothing was ever logged. */
export async function committedHead(database: Database): Promise<Omit<TreeHead, 'origin'>> {
  const [[head]] = await database.read([newestHead({})]);
  return head ?? { size: 0, root: emptyRoot };
}
