import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Problem } from '@govctl/core/api';
import { cutShort, damaged } from '@govctl/core/backup';

const chunkBytes = 256 * 1024;

/** The archive in a file, unpacked where its first bytes say so. @throws Problem `usage`, `integrity`, `cancelled` */
export async function* archiveBytes(cwd: string, file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const path = resolve(cwd, file);
  const unreadable = (cause: NodeJS.ErrnoException): never => {
    throw new Problem('usage', {
      detail: `${path} cannot be read: ${cause.code === 'ENOENT' ? 'there is no such file' : cause.message}`,
      hint: `ls -l ${path}`,
      cause,
    });
  };
  const handle = await open(path, 'r').catch(unreadable);
  try {
    if (!(await handle.stat()).isFile()) throw new Problem('usage', { detail: `${path} is not a file`, hint: `ls -ld ${path}` });
    const magic = Buffer.alloc(4);
    const { bytesRead } = await handle.read(magic, 0, 4, 0);
    const source = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkBytes });
    const unpacked = unpack(magic.subarray(0, bytesRead), source);
    try {
      for await (const chunk of unpacked) {
        if (signal.aborted) throw new Problem('cancelled', { detail: 'interrupted: nothing was changed' });
        yield chunk as Uint8Array;
      }
    } catch (error) {
      throw unpackFailure(error);
    }
  } finally {
    await handle.close();
  }
}

function unpack(magic: Buffer, source: Readable): Readable {
  const through =
    magic.length >= 2 && magic.readUInt16BE(0) === 0x1f8b
      ? createGunzip({ chunkSize: chunkBytes })
      : magic.length === 4 && magic.readUInt32LE(0) === 0xfd2fb528
        ? createZstdDecompress({ chunkSize: chunkBytes })
        : undefined;
  // Whoever reads hears of a failure from the end of the pipe.
  return through === undefined ? source : pipeline(source, through, () => undefined);
}

function unpackFailure(error: unknown): unknown {
  const code = String((error as { code?: unknown }).code ?? '');
  if (code === 'Z_BUF_ERROR' || /unexpected end/i.test((error as Error).message)) return cutShort();
  if (/^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code)) return damaged(`it cannot be unpacked (${code})`);
  if (code === 'EISDIR') return new Problem('usage', { detail: 'a folder is no backup', hint: 'name a file', cause: error });
  return error;
}
