import type { verifyFindings } from '@govctl/core/api';
import { isProblem } from '@govctl/core/api';
import type { Digest } from '@govctl/core/evidence';
import { type Manifest, manifestObjects, type ReadingResult } from '@govctl/core/promotion';
import type { ObjectStore } from '../object/index.ts';
import { examineObject } from './examine.ts';
import { each } from './presence.ts';

type ReadFailure = {
  readonly path: string;
  readonly digest: Digest;
  readonly finding: (typeof verifyFindings)[number];
  readonly detail: string;
};
export type Reading = ReadingResult & { readonly failures: readonly ReadFailure[] };
export type ReadingProgress = {
  readonly objects: number;
  readonly objects_total: number;
  readonly bytes: number;
  readonly bytes_total: number;
};

/** Objects read at a time: enough to keep a disk busy, few enough to leave the daemon responsive. */
const width = 4;
const toldFailures = 100;

/** Reads every byte of every object of a snapshot again and compares digests; what is damaged is set aside. */
export function readAgain(
  store: ObjectStore,
  manifest: Manifest,
  signal: AbortSignal,
): { readonly progress: () => ReadingProgress; readonly result: Promise<Reading> } {
  const objects = manifestObjects(manifest);
  const bytes_total = [...objects.values()].reduce((sum, size) => sum + size, 0);
  const failures: ReadFailure[] = [];
  let read = 0;
  let bytes = 0;
  let failed = 0;
  let missing = 0;
  let damaged = 0;

  const examine = async (digest: Digest, expected: number): Promise<readonly [ReadFailure['finding'], string] | null> => {
    const examined = await examineObject(store, digest, (part) => {
      signal.throwIfAborted();
      bytes += part;
    });
    if (examined === null || examined.actual !== digest) missing += 1;
    if (examined === null) return ['missing', 'not stored'];
    const { actual, size } = examined;
    if (actual === digest && size === expected) return null;
    return size === expected
      ? ['digest-differs', `the bytes have the digest ${actual}`]
      : ['size-differs', `${size} bytes instead of ${expected}`];
  };

  const all = async (): Promise<Reading> => {
    const pathOf = new Map(manifest.files.map(({ path, sha256 }) => [`sha256:${sha256}`, path]));
    await each(objects, width, async ([digest, expected]) => {
      signal.throwIfAborted();
      let finding: Awaited<ReturnType<typeof examine>>;
      try {
        finding = await examine(digest, expected);
      } catch (error) {
        if (signal.aborted || !isReadError(error)) throw error;
        finding = ['unreadable', (error as Error).message];
      }
      read += 1;
      if (finding === null) return;
      failed += 1;
      if (finding[0] !== 'missing') damaged += 1;
      if (failures.length < toldFailures)
        failures.push({ path: pathOf.get(digest) ?? '', digest, finding: finding[0], detail: finding[1] });
    });
    failures.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { objects_read: read, bytes_read: bytes, failed_objects: failed, damaged_objects: damaged, missing_objects: missing, failures };
  };

  return { progress: () => ({ objects: read, objects_total: objects.size, bytes, bytes_total }), result: all() };
}

/** The disk said no while an object was opened or read: that object's fault, not the daemon's. */
function isReadError(error: unknown): boolean {
  return isProblem(error)
    ? error.code === 'storage-unavailable'
    : ['open', 'read'].includes(String((error as { syscall?: unknown }).syscall ?? ''));
}
