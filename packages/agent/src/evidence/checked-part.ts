import { createHash } from 'node:crypto';
import { Problem } from '@govctl/core/api';
import type { ByteRange } from '@govctl/core/evidence';

/**
 * Lets through the bytes of a range while the digest of the whole is made. The last of them waits until the digest is the one that
 * was promised: a reader is never told that it has all of something else.
 *
 * @throws Problem `digest-mismatch` before the last piece, when the digest or the length is another
 */
export async function* checkedPart(
  pieces: AsyncIterable<Buffer>,
  promised: { readonly digest: string; readonly length: number },
  { from, end }: ByteRange,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let at = 0;
  let held: Buffer | undefined;
  for await (const piece of pieces) {
    hash.update(piece);
    const part = piece.subarray(Math.max(0, from - at), Math.max(0, Math.min(piece.byteLength, end - at)));
    at += piece.byteLength;
    if (part.byteLength === 0) continue;
    if (held !== undefined) yield held;
    held = part;
  }
  const digest = `sha256:${hash.digest('hex')}`;
  if (digest !== promised.digest || at !== promised.length) {
    throw new Problem('digest-mismatch', {
      detail: `what is stored has ${at} bytes with ${digest}, not ${promised.length} with ${promised.digest}`,
      hint: 'govctl log verify; then ask for a new URL',
    });
  }
  if (held !== undefined) yield held;
}
