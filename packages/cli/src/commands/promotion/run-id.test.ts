import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newRunId } from './run-id.ts';

describe('newRunId', () => {
  it('is a UUID version 7 of RFC 9562, as its test vector has it', () => {
    // RFC 9562, A.6: 2022-02-22T19:22:22Z, rand_a cc3, rand_b 18c4dc0c0c07398f.
    const random = Buffer.from('0cc398c4dc0c0c07398f', 'hex');
    expect(newRunId(new Date(0x017f22e279b0), random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('sorts by time, whatever the random part is', () => {
    const time = fc.integer({ min: 0, max: 2 ** 47 });
    const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(time, time, random, random, (one, other, first, second) => {
        fc.pre(one !== other);
        expect(newRunId(new Date(one), first) < newRunId(new Date(other), second)).toBe(one < other);
      }),
    );
  });

  it('is another one each time', () => {
    const now = new Date();
    expect(new Set(Array.from({ length: 1000 }, () => newRunId(now))).size).toBe(1000);
  });
});
