import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import * as nodeFiles from 'node:fs/promises';
import { join } from 'node:path';
import { isProblem, Problem } from '@govctl/core/api';
import { type Digest, digestStream } from '@govctl/core/evidence';
import type { ObjectStore } from './object-store.ts';

/** The calls this adapter makes; a test fails them one by one. */
export type FileCalls = Pick<typeof nodeFiles, 'mkdir' | 'open' | 'readdir' | 'rename' | 'stat' | 'unlink'>;

/** No upload is silent for longer: its connection ends after seconds. */
const abandonedMs = 24 * 3600 * 1000;

const digestPattern = /^sha256:[0-9a-f]{64}$/;
const chunkBytes = 256 * 1024;
const syncBytes = 128 * 1024 * 1024;

/**
 * Objects in a folder: `ab/cdef...` by the hex of their digest. Content is written beside, synced, renamed into place, and the folder
 * synced: after a crash an object is whole or absent. What a crash left in `incoming` is removed here. So open a folder only while
 * holding the lock of its state, or say that it is `shared`: then uploads of other hosts may be under way, and only what lay there for
 * a day is removed.
 *
 * @throws Problem `storage-unavailable` when the folder cannot be made or entered.
 */
export async function openFolderStore(folder: string, files: FileCalls = nodeFiles, shared = false): Promise<ObjectStore> {
  const incoming = join(folder, 'incoming');
  const aside = join(folder, 'aside');
  const shards = new Set<string>();
  try {
    await files.mkdir(incoming, { recursive: true, mode: 0o700 });
    for (const name of await files.readdir(incoming)) {
      const draft = join(incoming, name);
      if (!shared || (await isAbandoned(files, draft))) await files.unlink(draft);
    }
  } catch (error) {
    // A folder that can only be read still serves what it has; storing into it will say what is wrong.
    if (!isReadOnly(error)) throw unavailable(folder, 'opened', error);
  }

  const placeOf = (digest: Digest) => {
    if (!digestPattern.test(digest)) throw new Error(`not a digest: ${digest}`);
    const hex = digest.slice('sha256:'.length);
    return { shard: join(folder, hex.slice(0, 2)), path: join(folder, hex.slice(0, 2), hex.slice(2)) };
  };

  const syncFolder = async (path: string) => {
    const handle = await files.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  };

  const ensureShard = async (shard: string) => {
    if (shards.has(shard)) return;
    await files.mkdir(shard, { recursive: true, mode: 0o700 });
    await syncFolder(folder);
    shards.add(shard);
  };

  const size = async (digest: Digest) => {
    try {
      const stat = await files.stat(placeOf(digest).path);
      return stat.isFile() ? stat.size : null;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw unavailable(folder, 'read', error);
    }
  };

  const write = async (digest: Digest, content: AsyncIterable<Uint8Array>) => {
    const { shard, path } = placeOf(digest);
    const draft = join(incoming, randomBytes(12).toString('hex'));
    const handle = await files.open(draft, 'wx', 0o600);
    try {
      let written: number;
      try {
        let unsynced = 0;
        written = await checkedCopy(digest, content, async (chunk) => {
          for (let at = 0; at < chunk.byteLength; ) at += (await handle.write(chunk, at)).bytesWritten;
          unsynced += chunk.byteLength;
          if (unsynced < syncBytes) return;
          // Bounds the last sync, during which the sender waits in silence.
          await handle.datasync();
          unsynced = 0;
        });
        await handle.sync();
      } finally {
        await handle.close();
      }
      await ensureShard(shard);
      await files.rename(draft, path);
      await syncFolder(shard);
      return written;
    } catch (error) {
      // After a failed sync of the folder the object may be in place: whole, though its name may not survive a power cut.
      await files.unlink(draft).catch(() => {});
      throw error;
    }
  };

  return {
    size,

    async put(digest, content) {
      try {
        if ((await size(digest)) !== null) {
          const known = await checkedCopy(digest, content);
          // Whoever put its name there may have died, or failed, before the folder was synced.
          await syncFolder(placeOf(digest).shard);
          return { size: known, created: false };
        }
        return { size: await write(digest, content), created: true };
      } catch (error) {
        throw isProblem(error) || !isFileError(error) ? error : unavailable(folder, 'written', error);
      }
    },

    async read(digest) {
      try {
        const handle = await files.open(placeOf(digest).path, constants.O_RDONLY | constants.O_NOFOLLOW);
        return handle.createReadStream({ highWaterMark: chunkBytes });
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw unavailable(folder, 'read', error);
      }
    },

    async *list() {
      try {
        for (const shard of (await files.readdir(folder)).filter((name) => /^[0-9a-f]{2}$/.test(name)).sort()) {
          const names = (await files.readdir(join(folder, shard))).filter((name) => /^[0-9a-f]{62}$/.test(name)).sort();
          for (const name of names) yield `sha256:${shard}${name}` as Digest;
        }
      } catch (error) {
        throw isFileError(error) ? unavailable(folder, 'read', error) : error;
      }
    },

    async setAside(digest) {
      const { shard, path } = placeOf(digest);
      try {
        await files.mkdir(aside, { recursive: true, mode: 0o700 });
        await files.rename(path, join(aside, `${digest.slice('sha256:'.length)}.${randomBytes(4).toString('hex')}`));
        await syncFolder(shard);
        await syncFolder(aside);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return;
        throw unavailable(folder, 'changed', error);
      }
    },
  };
}

/** Hands every chunk on and hashes it; the bytes counted, once they have proved to be the ones that were named. */
async function checkedCopy(
  digest: Digest,
  content: AsyncIterable<Uint8Array>,
  write?: (chunk: Uint8Array) => Promise<void>,
): Promise<number> {
  const state = digestStream();
  let size = 0;
  for await (const chunk of content) {
    state.update(chunk);
    size += chunk.byteLength;
    await write?.(chunk);
  }
  const actual = state.digest();
  if (actual !== digest) {
    throw new Problem('digest-mismatch', {
      detail: `the ${size} bytes that came have the digest ${actual}, not ${digest}: nothing was stored`,
      hint: 'send the content again; if it changed meanwhile, hash it again first (govctl snapshot create does both)',
    });
  }
  return size;
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}

function isReadOnly(error: unknown): boolean {
  return ['EROFS', 'EACCES', 'EPERM'].includes(codeOf(error));
}

/** Of the store's own files; a client that went away in the middle is not the store's failure. */
function isFileError(error: unknown): boolean {
  return ['open', 'write', 'fsync', 'rename', 'mkdir', 'stat', 'close', 'scandir', 'unlink'].includes(
    String((error as { syscall?: unknown }).syscall ?? ''),
  );
}

const reasons: Record<string, readonly [why: string, mend: string]> = {
  ENOSPC: ['the disk is full', 'free space on the state folder; retrying is safe'],
  EDQUOT: ['the disk quota is used up', 'free space or raise the quota; retrying is safe'],
  EROFS: ['the file system is read-only', 'mount the state folder writable; retrying is safe'],
  EACCES: ['govd may not write there', 'give the user of govd the state folder; retrying is safe'],
  EPERM: ['govd may not write there', 'give the user of govd the state folder; retrying is safe'],
  EMFILE: ['govd has too many files open', 'raise LimitNOFILE of govd; retrying is safe'],
  EIO: ['the disk answers with errors', 'look at the disk before anything else'],
};

function unavailable(folder: string, done: string, error: unknown): Problem {
  const [why, mend] = reasons[codeOf(error)] ?? [error instanceof Error ? error.message : String(error), 'govctl doctor; retrying is safe'];
  return new Problem('storage-unavailable', { detail: `the object store ${folder} cannot be ${done}: ${why}`, hint: mend, cause: error });
}

/** Against the newest time that this folder gives, not this host's: clocks of file servers differ. */
async function isAbandoned(files: FileCalls, draft: string): Promise<boolean> {
  try {
    const [own, folder] = await Promise.all([files.stat(draft), files.stat(join(draft, '..'))]);
    return folder.mtimeMs - own.mtimeMs > abandonedMs;
  } catch (error) {
    // Another host has just put it in its place.
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
