import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { missingBatch } from '@govctl/core/api';
import type { Digest } from '@govctl/core/evidence';
import type { Client } from '../../client/client.ts';
import { changed, type FoundFile, markOf } from './folder.ts';

/** Uploads under way at a time: each ends in a disk sync of the daemon, and those overlap. */
const width = 8;
/** Nothing ends an upload but the connection: large files take as long as they take. */
const patience = { timeoutMs: 24 * 60 * 60 * 1000 };

export type Upload = { readonly digest: Digest; readonly file: FoundFile };

/** Which of these objects the daemon lacks. */
export async function missingOf(client: Client, uploads: readonly Upload[]): Promise<Upload[]> {
  const byDigest = new Map(uploads.map((upload) => [upload.digest, upload]));
  const digests = [...byDigest.keys()];
  const missing: Upload[] = [];
  for (let at = 0; at < digests.length; at += missingBatch) {
    const answer = await client.call('object.missing', { body: { digests: digests.slice(at, at + missingBatch) } });
    for (const digest of answer.missing) {
      const upload = byDigest.get(digest);
      if (upload !== undefined) missing.push(upload);
    }
  }
  return missing;
}

/**
 * Uploads files, a few at a time. The daemon checks every digest; a file that is no longer what was hashed ends it.
 * @throws Problem `conflict` for a changed file, and whatever the daemon answers
 */
export async function uploadAll(client: Client, uploads: readonly Upload[], onProgress: (bytes: number) => void): Promise<void> {
  const queue = uploads[Symbol.iterator]();
  let sent = 0;
  let failed = false;
  const worker = async () => {
    for (let next = queue.next(); next.done !== true && !failed; next = queue.next()) {
      await uploadFile(client, next.value, (bytes) => {
        sent += bytes;
        onProgress(sent);
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: width }, worker));
  } catch (error) {
    failed = true;
    throw error;
  }
}

async function uploadFile(client: Client, { digest, file }: Upload, onBytes: (bytes: number) => void): Promise<void> {
  // By its name, not by the handle: whoever fails in the middle of reading closes that.
  const requireSame = async () => {
    const stats = await lstat(file.place, { bigint: true }).catch(wentAway);
    if (markOf(stats) !== file.mark) throw changed(file.path, 'it was written to');
  };
  const wentAway = (error: NodeJS.ErrnoException): never => {
    throw error.code === 'ENOENT' ? changed(file.path, 'it went away') : error;
  };
  const handle = await open(file.place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(wentAway);
  try {
    await requireSame();
    const body = handle.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 });
    body.on('data', (chunk) => onBytes(chunk.length));
    body.pause();
    try {
      await client.upload('object.put', { params: { digest } }, { body, length: file.size }, patience);
    } catch (error) {
      // A file that shrank, grew or was rewritten under the upload fails in several ways; they have one cause.
      await requireSame();
      throw error;
    }
  } finally {
    await handle.close();
  }
}
