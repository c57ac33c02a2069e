import { isProblem } from '@govctl/core/api';
import { manifestObjects } from '@govctl/core/promotion';
import type { ObjectStore } from '../object/index.ts';
import { missingObjects, readManifest } from './presence.ts';

/** What of a registered snapshot is not on disk (any more): the manifest itself, or the digests of its files. */
export async function missingContent(objects: ObjectStore, snapshotHash: string): Promise<readonly string[]> {
  try {
    const manifest = await readManifest(objects, snapshotHash);
    if (manifest === null) return [`manifest ${snapshotHash}`];
    return await missingObjects(objects, [...manifestObjects(manifest).keys()]);
  } catch (error) {
    if (isProblem(error) && error.code === 'digest-mismatch') return [`manifest ${snapshotHash} (damaged)`];
    throw error;
  }
}
