import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { objectFile, objectLine, tarHeader, tarPadding } from '@govctl/core/backup';
import type { Digest } from '@govctl/core/evidence';
import type { ObjectStore } from '../object/index.ts';

export type FileOfArchive = { readonly name: string; readonly size: number; readonly sha256: string };

const chunkBytes = 256 * 1024;

/** A file from memory, as bytes of the archive. */
export function* packBytes(name: string, bytes: Uint8Array, at: number): Generator<Uint8Array, FileOfArchive> {
  yield tarHeader(name, bytes.byteLength, at);
  yield bytes;
  yield tarPadding(bytes.byteLength);
  return { name, size: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** A file from the disk that nobody writes any more. */
export async function* packFile(name: string, path: string, at: number): AsyncGenerator<Uint8Array, FileOfArchive> {
  const { size } = await stat(path);
  yield tarHeader(name, size, at);
  const sha256 = yield* exactly(createReadStream(path, { highWaterMark: chunkBytes }), size, name);
  yield tarPadding(size);
  return { name, size, sha256 };
}

export type PackedObjects = {
  readonly count: number;
  readonly bytes: number;
  readonly digest: Digest;
  /** Those that do not have their digest in the store itself. */
  readonly damaged: readonly string[];
};

/** Every stored object, one after the other. */
export async function* packObjects(objects: ObjectStore, at: number): AsyncGenerator<Uint8Array, PackedObjects> {
  const list = createHash('sha256');
  const damaged: string[] = [];
  let [count, bytes] = [0, 0];
  for await (const digest of objects.list()) {
    const size = await objects.size(digest);
    const content = size === null ? null : await objects.read(digest);
    // Set aside since it was listed.
    if (size === null || content === null) continue;
    yield tarHeader(objectFile(digest), size, at);
    const sha256 = yield* exactly(content, size, digest);
    yield tarPadding(size);
    if (`sha256:${sha256}` !== digest) damaged.push(digest);
    list.update(objectLine(digest.slice('sha256:'.length), size));
    count += 1;
    bytes += size;
  }
  return { count, bytes, digest: `sha256:${list.digest('hex')}`, damaged };
}

/** So many bytes as the header in front of them says; their digest. */
async function* exactly(content: AsyncIterable<Uint8Array>, size: number, name: string): AsyncGenerator<Uint8Array, string> {
  const hash = createHash('sha256');
  let left = size;
  for await (const bytes of content) {
    left -= bytes.byteLength;
    if (left < 0) break;
    hash.update(bytes);
    yield bytes;
  }
  if (left !== 0) throw new Error(`${name} is not of the size it had: ${size} bytes`);
  return hash.digest('hex');
}
