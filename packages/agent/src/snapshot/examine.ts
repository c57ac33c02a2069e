import { type Digest, digestStream } from '@govctl/core/evidence';
import type { ObjectStore } from '../object/index.ts';

export type Examined = { readonly size: number; readonly actual: Digest };

/**
 * Reads an object to its end. Content that proves to be other content is set aside: serving it under that digest would be a lie, and
 * once it is missing it can be uploaded again. Null when it is not stored.
 */
export async function examineObject(
  store: ObjectStore,
  digest: Digest,
  onBytes: (bytes: number) => void = () => {},
): Promise<Examined | null> {
  const stream = await store.read(digest);
  if (stream === null) return null;
  const state = digestStream();
  let size = 0;
  for await (const chunk of stream) {
    const part = chunk as Buffer;
    state.update(part);
    size += part.byteLength;
    onBytes(part.byteLength);
  }
  const actual = state.digest();
  if (actual !== digest) await store.setAside(digest);
  return { size, actual };
}
