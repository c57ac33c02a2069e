import type { Readable } from 'node:stream';
import type { Digest } from '@govctl/core/evidence';

/** Content by its SHA-256. What is stored never changes, and what was acknowledged survives a power cut. */
export type ObjectStore = {
  /**
   * Stores content that must have this digest, checked while it streams; a failure leaves nothing behind. Content that is there already
   * is checked all the same, and not written again.
   *
   * @throws Problem `digest-mismatch` for other content, `storage-unavailable` when the store is full, read-only or broken.
   */
  put(digest: Digest, content: AsyncIterable<Uint8Array>): Promise<{ readonly size: number; readonly created: boolean }>;
  /** Bytes, or null when there is no such object. */
  size(digest: Digest): Promise<number | null>;
  /** The content, unchecked: whoever needs to know compares the digest. Null when there is no such object. */
  read(digest: Digest): Promise<Readable | null>;
  /** Every stored object, in the order of their digests. What is stored or set aside meanwhile may be among them or not. */
  list(): AsyncIterable<Digest>;
  /**
   * Takes content that does not have its digest out of the way, so that it is missing and can be stored again. It is kept aside for
   * whoever looks into what happened.
   */
  setAside(digest: Digest): Promise<void>;
};
