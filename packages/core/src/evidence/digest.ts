import { createHash, hash } from 'node:crypto';

/** `sha256:` + 64 lower-case hex digits: how the product writes every digest and every ref. */
export type Digest = string;

/** SHA-256 of bytes as raw bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

/** SHA-256 of bytes, or of the UTF-8 of a text, written `sha256:<hex>`. */
export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', content, 'hex')}`;
}

/** The hex part of a digest; the caller knows that it has the prefix. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** Incremental digest for content that arrives in pieces. */
export function digestStream(): { update(chunk: Uint8Array): void; digest(): Digest } {
  const state = createHash('sha256');
  return {
    update: (chunk) => void state.update(chunk),
    digest: () => `sha256:${state.digest('hex')}`,
  };
}

/** Anything that is not bytes is equal to nothing: an edited database gives text where bytes were stored. */
export function equalBytes(a: unknown, b: unknown): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && Buffer.compare(a, b) === 0;
}
