import { Problem } from '@govctl/core/api';
import type { Digest } from '@govctl/core/evidence';
import { decodeManifest, type Manifest, manifestObjects, maxManifestBytes } from '@govctl/core/promotion';
import type { ObjectStore } from '../object/index.ts';
import { examineObject } from './examine.ts';

/** Questions to the store under way at a time. */
const width = 16;

/** Calls `work` for every item, a few at a time; the first failure ends all. */
export async function each<T>(items: Iterable<T>, limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (let next = iterator.next(); !failed && next.done !== true; next = iterator.next()) await work(next.value);
  };
  try {
    await Promise.all(Array.from({ length: limit }, worker));
  } catch (error) {
    failed = true;
    throw error;
  }
}

/** Which of these are not stored, in the order they were asked. */
export async function missingObjects(store: ObjectStore, digests: readonly Digest[]): Promise<Digest[]> {
  const missing = new Set<Digest>();
  await each(new Set(digests), width, async (digest) => {
    if ((await store.size(digest)) === null) missing.add(digest);
  });
  return [...new Set(digests)].filter((digest) => missing.has(digest));
}

/**
 * The manifest that is stored under a snapshot's hash; null when it is not stored.
 * @throws Problem when what is stored there is no manifest.
 */
export async function readManifest(store: ObjectStore, snapshotHash: Digest): Promise<Manifest | null> {
  const size = await store.size(snapshotHash);
  if (size === null) return null;
  if (size > maxManifestBytes)
    throw new Problem('payload-too-large', {
      detail: `the object ${snapshotHash} has ${size} bytes; a manifest has at most ${maxManifestBytes}`,
    });
  const stream = await store.read(snapshotHash);
  if (stream === null) return null;
  const parts: Buffer[] = [];
  for await (const chunk of stream) parts.push(chunk as Buffer);
  return decodeManifest(Buffer.concat(parts), snapshotHash);
}

/**
 * How many objects of a manifest are not stored. An object of another size than the manifest says is read: either it is damaged, and
 * then it is missing now, or the manifest is wrong.
 *
 * @throws Problem `digest-mismatch` for a wrong manifest
 */
export async function countMissing(store: ObjectStore, manifest: Manifest): Promise<number> {
  let missing = 0;
  await each(manifestObjects(manifest), width, async ([digest, expected]) => {
    const size = await store.size(digest);
    if (size === expected) return;
    const examined = size === null ? null : await examineObject(store, digest);
    if (examined?.actual !== digest) missing += 1;
    else {
      const path = manifest.files.find(({ sha256 }) => digest.endsWith(sha256))?.path ?? '';
      throw new Problem('digest-mismatch', {
        detail: `${JSON.stringify(path)}: the manifest says ${expected} bytes, but the content with that digest has ${examined.size}`,
        hint: 'make the manifest from the files: govctl snapshot create DIR --dataset DATASET',
      });
    }
  });
  return missing;
}
