import { randomFillSync } from 'node:crypto';

const poolBytes = 4096;

/**
 * Cryptographic randomness in hex. Drawn from the system a pool at a time: a call per salt took as long as half a signature.
 * Bytes are handed out once and wiped.
 */
export function randomHexSource(): (bytes: number) => string {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;
  return (bytes) => {
    if (bytes > poolBytes) throw new RangeError(`at most ${poolBytes} random bytes at a time`);
    if (used + bytes > poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    const drawn = pool.subarray(used, used + bytes);
    used += bytes;
    const hex = drawn.toString('hex');
    drawn.fill(0);
    return hex;
  };
}
