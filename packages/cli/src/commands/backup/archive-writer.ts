import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PassThrough, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { Problem } from '@govctl/core/api';
import { type TarEntry, tarEnd, tarHeader, tarPadding } from '@govctl/core/backup';

/** A file of a backup that grows beside its name, and takes it when it is whole. */
export type ArchiveWriter = {
  entry(entry: TarEntry): Promise<void>;
  /** Ends it, flushes it and gives it its name. */
  finish(): Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** Nothing is left. */
  abandon(): Promise<void>;
};

/** @throws Problem `conflict` where something has the name, `usage` for an ending nobody knows, `io` */
export async function archiveWriter(path: string, modifiedAt: number): Promise<ArchiveWriter> {
  const packer = packerOf(path);
  await requireFree(path);
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const handle = await open(draft, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new Problem('io', { detail: `${path} cannot be written: ${cause.message}`, hint: `ls -ld ${dirname(path)}`, cause });
  });
  const hash = createHash('sha256');
  let bytes = 0;
  let failure: unknown;
  const flowing = pipeline(packer, async (source: AsyncIterable<Uint8Array>) => {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      for (let at = 0; at < chunk.byteLength; ) at += (await handle.write(chunk, at)).bytesWritten;
    }
  }).catch((error: unknown) => {
    failure = error;
  });
  const write = async (chunk: Uint8Array) => {
    if (failure === undefined && !packer.write(chunk)) await Promise.race([once(packer, 'drain'), flowing]);
    if (failure !== undefined) throw unwritten(path, failure);
  };

  return {
    async entry({ name, size, body }) {
      await write(tarHeader(name, size, modifiedAt));
      // A copy: the packer may keep it, and whoever gave it may use it again.
      for await (const chunk of body) await write(Buffer.from(chunk));
      await write(tarPadding(size));
    },
    async finish() {
      await write(tarEnd);
      packer.end();
      await flowing;
      if (failure !== undefined) throw unwritten(path, failure);
      await handle.sync();
      await handle.close();
      await named(draft, path);
      return { bytes, sha256: hash.digest('hex') };
    },
    async abandon() {
      packer.destroy();
      await flowing;
      await handle.close().catch(() => undefined);
      await rm(draft, { force: true });
    },
  };
}

function packerOf(path: string): Transform {
  if (path.endsWith('.tar')) return new PassThrough({ highWaterMark: 1024 * 1024 });
  if (/\.(tar\.gz|tgz)$/.test(path)) return createGzip({ level: 6, chunkSize: 256 * 1024 });
  if (/\.(tar\.zst|tzst)$/.test(path)) return createZstdCompress({ chunkSize: 256 * 1024 });
  throw new Problem('usage', {
    detail: `${basename(path)} does not say how the backup is to be packed`,
    hint: 'name a file that ends in .tar, .tar.gz or .tar.zst: govctl backup create -O backup.tar.zst',
  });
}

async function requireFree(path: string): Promise<void> {
  const found: FileHandle | undefined = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw taken(path, error);
  });
  await found?.close();
  if (found !== undefined) throw taken(path, undefined);
}

function taken(path: string, cause: unknown): Problem {
  return new Problem('conflict', {
    detail: `${path} exists; a backup is not written over anything`,
    hint: 'name a new file: govctl backup create -O FILE',
    cause,
  });
}

/** The name last, and only where nobody has it: then the folder, so that a power cut does not take it away again. */
async function named(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
    await rm(draft);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw taken(path, error);
    // File systems without hard links.
    await rename(draft, path);
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unwritten(path: string, cause: unknown): Problem {
  const full = ['ENOSPC', 'EDQUOT'].includes(String((cause as NodeJS.ErrnoException).code));
  return new Problem('io', {
    detail: `${path} could not be written: ${full ? 'the disk is full' : (cause as Error).message}; nothing is left of it`,
    hint: full ? 'name a file on another disk, or one that ends in .tar.zst' : `ls -ld ${dirname(path)}`,
    cause,
  });
}
